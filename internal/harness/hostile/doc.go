// Package hostile stands between a device and a real endpoint or gateway, and
// lies: for tests of what a device believes.
//
// A Proxy passes everything through until it is given a Lie, which is a handler
// around the honest answer and can be put together from smaller ones (Both). It
// counts what it altered, so that a test whose lie was never told fails, and
// what it sent. Hints of new blocks are its own (Nudge), so that a test decides
// when a device looks.
//
//	Answers, Header, Logs, ...     alter single JSON-RPC results
//	Tape                           answers of yesterday
//	Instead, Stall, Endless, ...   whole answers, of endpoints and gateways alike
//
// Nothing here is imported by the product.
package hostile
