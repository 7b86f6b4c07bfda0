package sqlite

import "syscall"

// Magic numbers of statfs(2).
var networks = map[int64]string{
	0x6969: "NFS", 0xff534d42: "CIFS", 0xfe534d42: "SMB2", 0x517b: "SMB", 0x01021997: "9P",
	0x0bd00bd0: "Lustre", 0x47504653: "GPFS", 0x00c36400: "CephFS", 0x5346414f: "AFS", 0x6b414653: "AFS",
	0x19830326: "BeeGFS", 0x20030528: "OrangeFS",
}

// networkFileSystem names the kind if a file is on one; "" = it isn't, or nobody knows.
func networkFileSystem(path string) string {
	var s syscall.Statfs_t
	if syscall.Statfs(path, &s) != nil {
		return ""
	}
	return kindOf(int64(s.Type))
}

func kindOf(number int64) string { return networks[number&0xffffffff] }
