package status

import "time"

// Etcd is the members of one cluster's etcd at one moment. What could not be found out is zero, and told of in Problems.
// Its JSON form is what "slipway etcd status -o json" and "slipway etcd members -o json" print.
type Etcd struct {
	Cluster   string       `json:"cluster"`
	ID        string       `json:"id,omitempty"` // of etcd's cluster, hexadecimal
	Time      time.Time    `json:"time"`
	Health    Health       `json:"health"`             // down without quorum
	Voters    int          `json:"voters"`             // members that have a vote
	Voting    int          `json:"voting"`             // those of them that are healthy
	Quorum    int          `json:"quorum"`             // how many must be
	Tolerates int          `json:"tolerates"`          // how many more may fail
	KnownFrom string       `json:"knownFrom"`          // member whose word the membership is; "" where none answers and the declared nodes stand in
	Compared  *Comparison  `json:"compared,omitempty"` // of the members' data; nil where it was not made
	Members   []EtcdMember `json:"members"`
	Problems  []Problem    `json:"problems,omitempty"`
}

// HasQuorum reports whether etcd takes writes.
func (e *Etcd) HasQuorum() bool { return e.Voting >= e.Quorum && e.Quorum > 0 }

// Comparison is of the data of those members that could be compared, all at one revision.
type Comparison struct {
	Revision int64  `json:"revision"`
	Members  int    `json:"members"` // compared
	Agree    bool   `json:"agree"`
	Hash     string `json:"hash,omitempty"` // theirs, where they agree: hexadecimal, over all data up to the revision
	Why      string `json:"why,omitempty"`  // fewer than two could be compared
}

// EtcdMember is one entry of the membership, or a control plane that has none.
type EtcdMember struct {
	Name     string   `json:"name"`           // the node's, or what the member calls itself
	Node     string   `json:"node,omitempty"` // declared; "" where no declared node is at its address
	ID       string   `json:"id,omitempty"`   // hexadecimal, as etcdctl prints it; "" of one that is in no membership
	Peer     string   `json:"peer"`           // URL
	Client   string   `json:"client,omitempty"`
	Answers  bool     `json:"answers"`
	Healthy  bool     `json:"healthy"` // it follows a leader and, if it votes, commits
	Error    string   `json:"error,omitempty"`
	Leader   bool     `json:"leader,omitempty"`
	Learner  bool     `json:"learner,omitempty"`
	Version  string   `json:"version,omitempty"`
	Storage  string   `json:"storage,omitempty"` // version of the database, 3.6
	Term     uint64   `json:"term"`
	Index    uint64   `json:"index"` // raft index committed
	Lag      uint64   `json:"lag"`   // entries of the leader's that it has not applied yet
	Revision int64    `json:"revision"`
	DBBytes  int64    `json:"dbBytes"`         // size of the database file
	InUse    int64    `json:"inUse"`           // bytes of it in use; the rest goes with a defragmentation
	Free     float64  `json:"free"`            // share of the file that is not in use, 0 to 1
	Quota    int64    `json:"quota"`           // bytes at which it takes no more writes
	Used     float64  `json:"quotaUsed"`       // share of the quota that the file takes, 0 to 1
	Fsync    *float64 `json:"fsyncP99Seconds"` // of the log, 99 of 100 since it started; null where it is not known
	Commit   *float64 `json:"commitP99Seconds"`
	Hash     string   `json:"hash,omitempty"` // at the revision that was compared
	Alarms   []string `json:"alarms,omitempty"`
}

// Snapshot is one of etcd's data that was taken, as "slipway etcd snapshot -o json" prints it.
type Snapshot struct {
	Path      string  `json:"path"`
	Member    string  `json:"member"` // that gave it
	Bytes     int64   `json:"bytes"`
	Revision  int64   `json:"revision"`
	Compacted int64   `json:"compacted"`
	Hash      string  `json:"hash"`     // over all data up to the revision, hexadecimal
	Compared  bool    `json:"compared"` // the member has the same at that revision
	Quorum    bool    `json:"quorum"`   // without it, writes that others acknowledged may be missing
	Seconds   float64 `json:"seconds"`
}

// Defragmented is what became of one member, as "slipway etcd defrag -o json" prints it.
type Defragmented struct {
	Member  string  `json:"member"`
	Before  int64   `json:"before"` // bytes of the database file
	After   int64   `json:"after"`
	Freed   int64   `json:"freed"`
	Seconds float64 `json:"seconds"` // in which it did not answer
	Skipped string  `json:"skipped,omitempty"`
}

// Membership is what a change of it did, as "slipway etcd remove -o json" and "slipway etcd promote -o json" print it.
type Membership struct {
	Member string   `json:"member"`
	ID     string   `json:"id"`
	Before Majority `json:"before"`
	After  Majority `json:"after"`
	Notes  []string `json:"notes,omitempty"` // what there is still to do

	Snapshot string `json:"snapshot,omitempty"` // of what etcd held before; "" where none was taken
}

// Majority is how many members vote, and how many of them may fail.
type Majority struct {
	Voters    int `json:"voters"`
	Voting    int `json:"voting"`
	Quorum    int `json:"quorum"`
	Tolerates int `json:"tolerates"`
}

// Count is the majority of so many voters of which so many are healthy.
func Count(voters, healthy int) Majority {
	m := Majority{Voters: voters, Voting: healthy}
	if voters > 0 {
		m.Quorum = voters/2 + 1
		m.Tolerates = max(0, healthy-m.Quorum)
	}
	return m
}

// Alarm is one that a member raised, as "slipway etcd alarm -o json" prints it.
type Alarm struct {
	Kind   string `json:"kind"` // NOSPACE, CORRUPT
	Member string `json:"member"`
	ID     string `json:"id"`
}
