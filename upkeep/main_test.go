package upkeep_test

import (
	"testing"

	"alsbot/jobs/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }
