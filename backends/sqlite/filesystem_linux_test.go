package sqlite

import "testing"

// TestNetworkFileSystem_Kinds: the numbers are those of statfs(2) and linux/magic.h, as
// signed as a machine's int32 may have them.
func TestNetworkFileSystem_Kinds(t *testing.T) {
	smb, cifs := uint32(0xfe534d42), uint32(0xff534d42)
	for number, want := range map[int64]string{
		0x6969: "NFS", 0x517b: "SMB", int64(smb): "SMB2", int64(int32(smb)): "SMB2", int64(int32(cifs)): "CIFS",
		0x01021997: "9P", 0x00c36400: "CephFS",
		0xef53: "", 0x9123683e: "", 0x58465342: "", 0x01021994: "", 0x794c7630: "", // ext4, Btrfs, XFS, tmpfs, overlay
	} {
		if got := kindOf(number); got != want {
			t.Errorf("%#x: got %q, want %q", number, got, want)
		}
	}
}
