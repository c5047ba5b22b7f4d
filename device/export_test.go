package device

// What the tests of this package's outside, which run an engine through a harness, have to know of its inside.
const (
	Moment         = moment
	LastSeek       = lastSeek
	ReceiptSpacing = receiptSpacing
	MoveAgain      = moveAgain
	ReopenAfter    = reopenAfter
)

// EndpointLocations are those that the engine asks.
func (e *Engine) EndpointLocations() (locations []string) {
	for _, p := range e.reach.endpoints {
		locations = append(locations, p.Location)
	}
	return locations
}
