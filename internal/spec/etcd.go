package spec

// The least is etcd's own default, the most what etcd suggests, and warns above.
// https://etcd.io/docs/v3.6/op-guide/maintenance/#space-quota
const (
	minQuotaGiB     = 2
	maxQuotaGiB     = 8
	defaultQuotaGiB = 8
)

func (d *draft) readEtcd(s section) {
	quota, ok := s.integer("quota_gib", minQuotaGiB, maxQuotaGiB, "etcd's quota in GiB")
	if !ok {
		quota = defaultQuotaGiB
	}
	slow, _ := s.boolean("allow_slow_disk")
	d.Etcd = Etcd{QuotaBytes: int64(quota) << 30, AllowSlowDisk: slow}
}
