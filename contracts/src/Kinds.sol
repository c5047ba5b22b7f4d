// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

uint8 constant PUT = 1;
uint8 constant REVOKE = 2;
// The actions of guardians, and of those who answer them. None of them uses up a subject.
uint8 constant FREEZE = 3;
uint8 constant RECOVER = 4;
uint8 constant VETO = 5;
uint8 constant COMPLETE = 6;

// The kinds that the contract itself reads. It treats all others alike, so a new one needs no new contract.
uint8 constant ADMIN = 1;
uint8 constant LIMIT = 2;
uint8 constant GUARDIAN = 3;
uint8 constant DISTRUST = 4;
uint8 constant POINTER = 5;
uint8 constant ZONE = 6;
uint8 constant DENY_CLEAR = 7;
uint8 constant POLICY = 16;
uint8 constant DEVICE = 19;
uint8 constant DENY = 24;
/// @dev The kinds whose limits are kept where they cost no storage read: GRANT and GRANT_PRIV.
uint256 constant QUICK = 22;
uint256 constant QUICK_KINDS = 2;

/// @dev Kinds up to this one exist in the organisation's own scope only.
uint8 constant LAST_ORGANISATION_KIND = 15;
uint8 constant LAST_KIND = 95;

uint256 constant MAX_AUTHORS = 16;
uint256 constant MAX_DATA = 1024;
/// @dev An end that is none. In the organisation's scope only.
uint40 constant NEVER = type(uint40).max;
/// @dev Mask of from 40 | until 40.
uint256 constant WINDOW = type(uint80).max;
/// @dev Longest validity outside the organisation's scope: what lets a reader join at a checkpoint instead of the beginning.
uint256 constant LONGEST = 400 days;
/// @dev Every CHECKPOINT-th running hash is kept.
uint256 constant CHECKPOINT = 1024;

/// @dev Admin.flags.
uint8 constant ROOT = 1;
uint96 constant ALL_KINDS = type(uint96).max;

/// @dev What a freeze lets through: puts that take rights away. Not POLICY, which may also loosen.
uint256 constant FROZEN_PUTS = 1 << DISTRUST | 1 << DENY_CLEAR | 1 << DENY;
/// @dev And revocations, but not of who could undo what is going on, nor of devices (of which a ZONE is many), nor of
/// what takes rights away.
uint256 constant FROZEN_REVOKES =
    ALL_KINDS & ~(1 << ADMIN | 1 << GUARDIAN | 1 << ZONE | 1 << DEVICE | 1 << POLICY | FROZEN_PUTS);
uint256 constant LONGEST_FREEZE = 7 days;

/// @dev Bounds of the guardians' timelock: long enough to be seen, short enough to be lived through.
uint256 constant MIN_TIMELOCK = 1 hours;
uint256 constant MAX_TIMELOCK = 30 days;

/// @dev Directions of a POINTER.
uint256 constant SUCCESSOR = 1;
uint256 constant PREDECESSOR = 2;
