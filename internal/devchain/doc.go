// Package devchain is an Ethereum chain in this process, for tests and for
// dpki-sandbox: one geth node with a simulated beacon, Prague rules, loopback
// JSON-RPC over HTTP and WS on one port, and a content store beside it.
//
// What it adds to geth's own --dev mode:
//
//	durable        with a folder, every block is on disk before the next: it
//	               survives kill -9
//	hold-back      `safe` and `finalized` can be held back by N blocks
//	reorganise     blocks can be replaced, with their transactions or without
//	real time      a block is at least a second younger than its parent; mining
//	               waits rather than let block time run ahead of the clock
//
// The same controls are served as JSON-RPC methods of the namespace `sandbox`:
//
//	sandbox_holdBack(n)             safe and finalized = head - n
//	sandbox_hold(on)                no more blocks than those that are asked for
//	sandbox_mine(n)                 n blocks
//	sandbox_fund(address, wei)      wei as a hex quantity
//	sandbox_reorg(depth, keep)      replaces the last depth blocks by depth + 1
//	sandbox_adjustTime(seconds)     one block that much later than the head
//
// Content store: PUT /ipfs with a raw block as body answers with its CID (raw,
// sha2-256); GET /ipfs/CID?format=raw serves it. Blocks are at most 256 KiB.
package devchain
