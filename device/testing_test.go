package device

import "fmt"

func statusError(s Status) error { return fmt.Errorf("status: %+v", s) }
