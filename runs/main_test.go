package runs_test

import (
	"testing"

	"alsbot/upkeep/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }
