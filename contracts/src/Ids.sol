// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Identifiers: keccak256 over abi.encode of static words only, so no two different lists of arguments encode
/// alike. A tag is its ASCII bytes padded on the right.
library Ids {
    function organisation(address creator, bytes32 salt) internal view returns (bytes32) {
        return keccak256(abi.encode(bytes32("DPKI/1/org"), block.chainid, address(this), creator, salt));
    }

    function mailbox(bytes32 zone, bytes32 salt) internal pure returns (bytes32) {
        return keccak256(abi.encode(bytes32("D"), zone, salt));
    }

    /// @dev The running hash of a scope without entries.
    function emptyHash(bytes32 org, bytes32 scope) internal view returns (bytes32) {
        return keccak256(abi.encode(bytes32("DPKI/1"), block.chainid, address(this), org, scope));
    }
}
