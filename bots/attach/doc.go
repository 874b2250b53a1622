// Package attach reads what people send along with their messages: it is bobbin's
// [agent.FileReader].
//
//	download ─▶ sniff ─▶ text     decoded, cut to a bound
//	                  ├▶ document ─▶ Markdown ─▶ cut to a bound
//	                  ├▶ picture  made small, without what the camera wrote into it
//	                  ├▶ recording ─▶ transcript
//	                  └▶ a plain sentence why not
//
// # Why
//
// Context: a file is the one thing that people hand to bobbin which nobody has looked at.
// Its name and its type are what its sender says; it may be large, or unfold to be; a
// picture from a telephone says where it was taken.
//
// Decision: only the platform's own adapter fetches, from the platform's own hosts. What a
// file is, its bytes say: the name decides between kinds that look the same, such as the
// ones that are ZIP archives within, and nothing else. All that leaves the machine is
// bounded in size, in time and in how many files are held at once; pictures that carry
// notes of the camera are written anew. Nothing is unpacked here but pictures, and of those
// the number of pixels is known before.
//
// The standard library has no decoder for WebP, so such pictures go as they are, if they
// are small enough.
//
// Consequences: a file is left out with one sentence that its sender can do something with,
// and the answer goes on without it.
package attach
