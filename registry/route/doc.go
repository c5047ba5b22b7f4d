// Package route is how questions to a mirror are spelled as the paths of GET
// requests, so that any HTTP cache between a mirror and its readers can hold the
// answers (docs/formats.md section 14). It is a codec: no network.
//
//	/dpki/1/head/CONTRACT/SLOT[,SLOT...]                  HeadReply as a JSON object
//	/dpki/1/logs/CONTRACT/ORG/FROM-TO/SCOPE[,SCOPE...]    eth_getLogs' result
//	/dpki/1/headers/NUMBER[,NUMBER...]                    headers or null, a JSON array
//	/dpki/1/segments/SCOPE-INDEX                          registry/segment
//	/dpki/1/witness/NAME                                  a file, as it is
//	/dpki/1/receipts/KEY                                  bundle.Receipt; PUT as well
//	/ipfs/CID                                             a block, as a trustless gateway serves it
//
// Words are 64 lower-case hex digits, addresses 0x and 40, numbers decimal
// without leading zeros. Each question has one spelling: Parse refuses others.
//
// What an answer other than 200 means stands in its status (Status, Fault).
package route
