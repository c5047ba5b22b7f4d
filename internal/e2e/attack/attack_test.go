package attack

import (
	"testing"

	"dpki/internal/harness"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys") }
