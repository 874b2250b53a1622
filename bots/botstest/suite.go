package botstest

import (
	"testing"
)

// PlatformSuite tests what every platform has to do. open is called in a synctest bubble,
// once for each test; what it starts has to end in a Cleanup of the test that it is given.
func PlatformSuite(t *testing.T, open func(*testing.T) Rig) {
	for name, test := range map[string]func(*bot){
		"a mention is one addressed message":                   mentions,
		"a direct message is addressed and private":            directs,
		"a follow-up is in the session of the answer":          followUps,
		"different conversations are different sessions":       sessions,
		"what is not accepted comes again":                     refused,
		"a message is posted, found, edited and deleted":       roundTrip,
		"messages stand in the order of their posts":           inOrder,
		"a key is one message although its answer was lost":    lostPost,
		"a post that did not happen can be made again":         lostRequest,
		"a key that was never posted is not found":             neverPosted,
		"a message that others deleted is gone":                removed,
		"deleting what is not there is no error":               deletedTwice,
		"a frame stands around a text and goes without it":     framed,
		"a frame is plain text and fits":                       framedPlainly,
		"a press names its turn and the answer's session":      presses,
		"a press that is not accepted is told of":              pressedInVain,
		"a changed message is told of as what it is":           revisions,
		"a deleted message is told of as what it was":          retractions,
		"a file comes with its message and can be read":        attachments,
		"a posted file stands once and is found":               uploads,
		"a mark under a message comes and goes":                marks,
		"a place can be read, oldest first and bounded":        reading,
		"calls with an ended context fail":                     ended,
		"an answer has a budget":                               budget,
		"rendered Markdown is whole and within the limits":     rendered,
		"rendered pages stay when the Markdown grows":          grown,
		"blank Markdown has no messages":                       blank,
		"every rendered message can be posted and edited":      renderedPosts,
		"the name is that of its addresses":                    named,
		"a private word reaches somebody and is no transcript": responds,
	} {
		t.Run(name, func(t *testing.T) { run(t, open, test) })
	}
	t.Run("Run ends while the service is busy", func(t *testing.T) { busy(t, open) })
}
