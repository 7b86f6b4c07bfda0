// Package filebucket is a [queue.Bucket] in a folder of a local disk, or of a
// file system that several machines share, with nothing but the standard
// library.
//
//	bucket/                  New(dir); 0700, as everything below
//	├── 2026-12-09/          the day after which nobody needs what is in it
//	│   ├── 0b6c…            one object, one file; the name is the key
//	│   └── 77a1…
//	├── 2026-12-10/…
//	└── _temp/               what is being written; no key has a '_'
//
//	Write:  _temp/X26… ─ write, fsync ─▶ link to the key ─▶ fsync its folders ─▶ remove _temp/X26…
//
// # Guarantees
//
// When Write returns, the object survives a crash of the machine: its bytes and
// every folder above it were synced, and when Write says that the key exists,
// that one was. An object is whole or not there, also after kill -9 at any
// moment: a hard link gives finished bytes their name, or finds the name taken,
// in one step of the file system. So of many writers of a key one wins, in one
// process or in many.
//
// A writer that died leaves a file in _temp at most. New and List remove what is
// older than an hour there.
//
// Keys can't lead out of the folder, neither by ".." nor by symbolic links
// ([os.Root]). Keys are lower-case letters, digits, '-' and '.', in segments
// that '/' parts and that neither begin nor end with a '.'; anything else is a
// [queue.InvalidError]. So no two keys are one file where names ignore case. A
// key can't be the folder of another: beside "a/b" there is no "a".
//
// # Without hard links
//
// FAT and some network file systems have none. There a claim, a file made with
// O_EXCL, keeps other writers of the same key away between the look whether it
// is there and the rename. One winner still, nothing half written; but after a
// crash at that moment the key is refused for an hour.
//
// List reads a folder at once to put it in order: some 100 bytes of memory for
// each object of a day.
package filebucket
