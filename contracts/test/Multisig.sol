// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @notice A wallet of several owners as dpki meets it: ERC-1271, with the owners' signatures one after the other, as
/// those of a Safe. For tests; it holds nothing and does nothing else.
contract Multisig is IERC1271 {
    uint256 private constant SIGNATURE = 65;
    uint256 private immutable NEEDED;
    mapping(address => bool) public isOwner;

    constructor(address[] memory owners, uint256 needed) {
        require(needed > 0 && needed <= owners.length);
        NEEDED = needed;
        for (uint256 i = 0; i < owners.length; ++i) {
            isOwner[owners[i]] = true;
        }
    }

    /// @inheritdoc IERC1271
    /// @dev The owners' accounts are strictly ascending, so that none counts twice.
    function isValidSignature(bytes32 digest, bytes calldata signatures) external view returns (bytes4) {
        if (signatures.length != NEEDED * SIGNATURE) return bytes4(0);
        address last = address(0);
        for (uint256 at = 0; at < signatures.length; at += SIGNATURE) {
            (address owner, ECDSA.RecoverError err,) = ECDSA.tryRecoverCalldata(digest, signatures[at:at + SIGNATURE]);
            if (err != ECDSA.RecoverError.NoError || owner <= last || !isOwner[owner]) return bytes4(0);
            last = owner;
        }
        return IERC1271.isValidSignature.selector;
    }
}
