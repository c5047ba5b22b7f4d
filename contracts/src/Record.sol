// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev The word kept for each (organisation, scope, kind, subject), from the lowest bit up:
/// until 40 | from 40 | revokedAt 40 | seq 48 | epoch 32 | root 1. Zero: the subject was never used.
/// A word and not a struct: reading a packed struct's fields costs a load and a mask each, 100 records a batch.
type Record is uint256;

using {until, from, revokedAt, seq, epoch, isRoot, isUsed, isRevoked, isLive, revoked, asRoot} for Record global;

/// @param window from 40 | until 40.
function newRecord(uint256 window, uint256 seq_, uint256 epoch_) pure returns (Record) {
    return Record.wrap(window | seq_ << 120 | epoch_ << 168);
}

function asRoot(Record r) pure returns (Record) {
    return Record.wrap(Record.unwrap(r) | 1 << 200);
}

function until(Record r) pure returns (uint40) {
    return uint40(Record.unwrap(r));
}

function from(Record r) pure returns (uint40) {
    return uint40(Record.unwrap(r) >> 40);
}

function revokedAt(Record r) pure returns (uint40) {
    return uint40(Record.unwrap(r) >> 80);
}

function seq(Record r) pure returns (uint48) {
    return uint48(Record.unwrap(r) >> 120);
}

function epoch(Record r) pure returns (uint32) {
    return uint32(Record.unwrap(r) >> 168);
}

/// @dev True for the ADMIN entry of a root admin only.
function isRoot(Record r) pure returns (bool) {
    return Record.unwrap(r) >> 200 & 1 == 1;
}

function isUsed(Record r) pure returns (bool) {
    return Record.unwrap(r) != 0;
}

function isRevoked(Record r) pure returns (bool) {
    return r.revokedAt() != 0;
}

/// @dev A subject that was revoked before it was put has no end and so never lives.
function isLive(Record r, uint256 time) pure returns (bool) {
    return !r.isRevoked() && r.from() <= time && time < r.until();
}

function revoked(Record r, uint256 time) pure returns (Record) {
    return Record.wrap(Record.unwrap(r) | uint256(uint40(time)) << 80);
}
