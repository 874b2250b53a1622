package badgerstore_test

import (
	"testing"

	"bobbin/agent/agenttest"
	"bobbin/agent/badgerstore"
)

func TestStoreBehavesAsSessionsExpect(t *testing.T) {
	agenttest.StoreSuite(t, func(dir string) (agenttest.Store, error) { return badgerstore.Open(dir, badgerstore.Options{}) })
}
