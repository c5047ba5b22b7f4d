// Package pinning tells a service that speaks the IPFS Pinning Service API 1.0
// (https://ipfs.github.io/pinning-services-api-spec/) to keep blocks and to let
// go of them. The service fetches a block from whoever has it; nothing is ever
// read from it, and what it says is believed in nothing but whether it keeps a
// block. Administrators use it, devices do not.
//
// Its token opens the administrator's account there: it comes from a file of
// mode 0600, goes into the Authorization header, over TLS or to this machine,
// and into no redirect, error or log. Answers are bounded in size and in time.
package pinning
