package drill

import "time"

// FormatVersion is that of a Report as JSON. It changes when a reader of the old one would misread the new.
const FormatVersion = 1

// Report is all that a drill showed. Times are seconds after Began. docs/manual/drills.md describes it as JSON.
type Report struct {
	Format  int       `json:"format"`
	Drill   string    `json:"drill"` // "upgrade", "watch", "leader-loss", …
	Cluster string    `json:"cluster"`
	From    string    `json:"from,omitempty"` // versions of Kubernetes
	To      string    `json:"to,omitempty"`
	Began   time.Time `json:"began"`
	Seconds float64   `json:"seconds"`

	Endpoint string  `json:"endpoint"` // that requests went to
	Via      string  `json:"via"`      // and from where: "this machine", or a node
	Rate     float64 `json:"rate"`     // requests per second
	PollRate float64 `json:"pollRate"` // per second and node
	Late     float64 `json:"late"`     // the longest that a request was sent after it was due, because this side was busy

	Interrupted bool   `json:"interrupted,omitempty"`
	Failure     string `json:"failure,omitempty"` // of what was done to the cluster, not of what clients saw

	Recovery *Recovery `json:"recovery,omitempty"` // of a drill that breaks the cluster
	Loss     *Loss     `json:"loss,omitempty"`     // of one that brings it back from what it was earlier

	Met     bool      `json:"met"`
	Goals   []Goal    `json:"goals"`
	API     Figures   `json:"api"`
	Service Figures   `json:"service"`
	Writes  Writes    `json:"writes"`
	Watch   Watch     `json:"watch"`
	Objects Objects   `json:"objects"`
	Outages []Outage  `json:"outages"` // longest first
	Stages  []Stage   `json:"stages"`  // in the order of their beginnings
	Changes []Change  `json:"changes"`
	Samples []Sample  `json:"samples"` // in the order in which they were due
	Nodes   []Machine `json:"nodes"`
}

// Machine is a node of the cluster, in the order of its file.
type Machine struct {
	Name string `json:"name"`
	Role string `json:"role"`
}

// Writes is what became of every write that the API acknowledged.
type Writes struct {
	Unchecked    string   `json:"unchecked,omitempty"` // why they could not be compared
	Acknowledged int      `json:"acknowledged"`
	Unknown      int      `json:"unknown"`         // failed twice, so that they may be there or not
	Lost         []string `json:"lost,omitempty"`  // each with what was expected and what is there
	Stale        []string `json:"stale,omitempty"` // reads that gave an older value than was acknowledged before them
	// Backwards are writes that were acknowledged with a revision no later than one which was acknowledged before they were sent.
	Backwards []string `json:"backwards,omitempty"`
}

// Watch is what a client saw that watched all writes.
type Watch struct {
	Unchecked string   `json:"unchecked,omitempty"`
	Seen      int      `json:"seen"`             // of the acknowledged
	Missed    []string `json:"missed,omitempty"` // acknowledged writes that were never seen
	Breaks    int      `json:"breaks"`           // how often it had to be established anew
	Relists   int      `json:"relists"`          // of these, how often it could not go on where it stood
	Delay     float64  `json:"delay"`            // longest from a write's acknowledgement to its event, in seconds
}

// Objects compares what the cluster held before and after.
type Objects struct {
	Unchecked string   `json:"unchecked,omitempty"`
	Compared  int      `json:"compared"`
	Lost      []string `json:"lost,omitempty"`
	Changed   []string `json:"changed,omitempty"` // and nobody wrote them
	ByDesign  int      `json:"byDesign"`          // that Slipway or Kubernetes itself changed, as they should
	Others    []string `json:"others,omitempty"`  // that somebody else wrote meanwhile, with whom
}
