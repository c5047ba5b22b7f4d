// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {Group} from "./IDPKI.sol";

/// @dev What approvers sign: EIP-712, typed so that a wallet can show it.
library Approvals {
    /// @dev Name, version, chain and contract, no salt.
    bytes1 internal constant DOMAIN_FIELDS = 0x0f;
    bytes32 internal constant NAME = keccak256("DPKI");
    bytes32 internal constant VERSION = keccak256("1");
    bytes32 internal constant GROUP_TYPE = keccak256("Group(bytes32 scope,bytes32 salt,bytes changes)");
    bytes32 internal constant WRITE_TYPE = keccak256(
        "Write(bytes32 org,uint32 epoch,Group[] groups,bytes32 nonce,uint40 deadline)Group(bytes32 scope,bytes32 salt,bytes changes)"
    );

    /// @dev The domain separator is computed each time: kept, it would be an immutable and make the code hash differ
    /// from chain to chain.
    function digest(bytes32 org, uint256 epoch, Group[] calldata groups, bytes32 nonce, uint40 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32[] memory hashes = new bytes32[](groups.length);
        for (uint256 i = 0; i < groups.length; ++i) {
            Group calldata g = groups[i];
            hashes[i] = keccak256(abi.encode(GROUP_TYPE, g.scope, g.salt, keccak256(g.changes)));
        }
        bytes32 content = keccak256(abi.encodePacked(hashes));
        return MessageHashUtils.toTypedDataHash(
            MessageHashUtils.toDomainSeparator(DOMAIN_FIELDS, NAME, VERSION, block.chainid, address(this), 0),
            keccak256(abi.encode(WRITE_TYPE, org, epoch, content, nonce, deadline))
        );
    }
}
