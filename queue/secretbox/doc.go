// Package secretbox is a [queue.Box] on gocloud.dev/secrets: payloads and results
// are encrypted before they reach the store and the bucket, under keys that a key
// management service guards (AWS KMS, GCP KMS, Azure Key Vault, a local key).
//
//	Seal:  data key, made once ──▶ AES-256-GCM ──▶ sealed
//	          │ wrapped by the Keeper, once          ▲ travels in front
//	          └──────────────────────────────────────┘
//	Open:  wrapped key ──▶ known? ──no──▶ Keeper unwraps it, once ──▶ AES-256-GCM ──▶ plain
//
// This is envelope encryption: the service is asked once per data key, not once
// per job. A Box makes a data key at its first Seal and a new one after 2^20
// seals or 24 hours. It keeps the last 1,024 data keys that it has unwrapped in
// memory; so a key that the service has revoked may open until the program ends.
//
// # Guarantees
//
// Sealed bytes open under the label that they were sealed under, whole and
// unchanged, or not at all: who can write to the store can neither read, change
// nor swap payloads. Length and age of a payload stay visible, and an old one of
// the same job can be put back, as in any store without an order of its own.
//
// Bytes that don't open are an error that matches [queue.ErrSealBroken], and
// their job ends as a dead letter. A Keeper that can't be reached, or says that it
// may not, is another error, and the job is tried again. Some services answer a
// broken key and a broken network alike; then the Box asks the Keeper for
// something that must work, and tries once more, before it blames the bytes.
//
// # On the wire
//
//	byte      0        1      2      3 …            …             …
//	        ┌────────┬──────────────┬─────────────┬─────────────┬────────────────────┐
//	        │ 0x01   │ length, big  │ wrapped key │ nonce,      │ ciphertext and     │
//	        │        │ endian       │             │ 12 bytes    │ tag of 16 bytes    │
//	        └────────┴──────────────┴─────────────┴─────────────┴────────────────────┘
//	additional data: 0x01, then the label
//
// The nonce is random: 2^20 under one key collide with a chance of 2^-57.
package secretbox
