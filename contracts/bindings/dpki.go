// Code generated via abigen V2 - DO NOT EDIT.
// This file is a generated binding and any manual changes will be lost.

package bindings

import (
	"bytes"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// Reference imports to suppress errors if they are not otherwise used.
var (
	_ = bytes.Equal
	_ = errors.New
	_ = big.NewInt
	_ = common.Big1
	_ = types.BloomLookup
	_ = abi.ConvertType
)

// Admin is an auto generated low-level Go binding around an user-defined struct.
type Admin struct {
	Account    common.Address
	Power      [32]byte
	PutMask    *big.Int
	RevokeMask *big.Int
	Flags      uint8
	Salt       [32]byte
}

// Approval is an auto generated low-level Go binding around an user-defined struct.
type Approval struct {
	Admin     Admin
	Signature []byte
}

// Consent is an auto generated low-level Go binding around an user-defined struct.
type Consent struct {
	Guardian  uint8
	Signature []byte
}

// Group is an auto generated low-level Go binding around an user-defined struct.
type Group struct {
	Scope   [32]byte
	Salt    [32]byte
	Changes []byte
}

// DPKIMetaData contains all meta data concerning the DPKI contract.
var DPKIMetaData = bind.MetaData{
	ABI: "[{\"type\":\"function\",\"name\":\"checkpointOf\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"scope\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"i\",\"type\":\"uint256\",\"internalType\":\"uint256\"}],\"outputs\":[{\"name\":\"h\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"completeRecovery\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"guardians\",\"type\":\"bytes\",\"internalType\":\"bytes\"},{\"name\":\"recovery\",\"type\":\"bytes\",\"internalType\":\"bytes\"}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"createOrganisation\",\"inputs\":[{\"name\":\"salt\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"digestOf\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"groups\",\"type\":\"tuple[]\",\"internalType\":\"structGroup[]\",\"components\":[{\"name\":\"scope\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"salt\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"changes\",\"type\":\"bytes\",\"internalType\":\"bytes\"}]},{\"name\":\"nonce\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"deadline\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"outputs\":[{\"name\":\"digest\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"freezeOf\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[{\"name\":\"until\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"coolUntil\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"guardiansOf\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[{\"name\":\"guardians\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"timelock\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"pending\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"pendingFrom\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"hashOf\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"scope\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[{\"name\":\"h\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"isWritten\",\"inputs\":[{\"name\":\"digest\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[{\"name\":\"\",\"type\":\"bool\",\"internalType\":\"bool\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"limitOf\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"kind\",\"type\":\"uint8\",\"internalType\":\"uint8\"}],\"outputs\":[{\"name\":\"approvals\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"longest\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"organisationOf\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[{\"name\":\"epoch\",\"type\":\"uint32\",\"internalType\":\"uint32\"},{\"name\":\"roots\",\"type\":\"uint32\",\"internalType\":\"uint32\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"recordOf\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"scope\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"kind\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"subject\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[{\"name\":\"from\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"until\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"revokedAt\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"seq\",\"type\":\"uint48\",\"internalType\":\"uint48\"},{\"name\":\"epoch\",\"type\":\"uint32\",\"internalType\":\"uint32\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"recoveryOf\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[{\"name\":\"recovery\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"completeFrom\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"isFinal\",\"type\":\"bool\",\"internalType\":\"bool\"},{\"name\":\"isVetoed\",\"type\":\"bool\",\"internalType\":\"bool\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"tipOf\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"scope\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}],\"outputs\":[{\"name\":\"seq\",\"type\":\"uint48\",\"internalType\":\"uint48\"},{\"name\":\"blockNumber\",\"type\":\"uint48\",\"internalType\":\"uint48\"},{\"name\":\"time\",\"type\":\"uint40\",\"internalType\":\"uint40\"}],\"stateMutability\":\"view\"},{\"type\":\"function\",\"name\":\"write\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"admin\",\"type\":\"tuple\",\"internalType\":\"structAdmin\",\"components\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"power\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"putMask\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"revokeMask\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"flags\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"salt\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"name\":\"groups\",\"type\":\"tuple[]\",\"internalType\":\"structGroup[]\",\"components\":[{\"name\":\"scope\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"salt\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"changes\",\"type\":\"bytes\",\"internalType\":\"bytes\"}]}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"writeApproved\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"groups\",\"type\":\"tuple[]\",\"internalType\":\"structGroup[]\",\"components\":[{\"name\":\"scope\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"salt\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"changes\",\"type\":\"bytes\",\"internalType\":\"bytes\"}]},{\"name\":\"nonce\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"deadline\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"approvals\",\"type\":\"tuple[]\",\"internalType\":\"structApproval[]\",\"components\":[{\"name\":\"admin\",\"type\":\"tuple\",\"internalType\":\"structAdmin\",\"components\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"},{\"name\":\"power\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"putMask\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"revokeMask\",\"type\":\"uint96\",\"internalType\":\"uint96\"},{\"name\":\"flags\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"salt\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"name\":\"signature\",\"type\":\"bytes\",\"internalType\":\"bytes\"}]}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"function\",\"name\":\"writeGuarded\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"guardians\",\"type\":\"bytes\",\"internalType\":\"bytes\"},{\"name\":\"groups\",\"type\":\"tuple[]\",\"internalType\":\"structGroup[]\",\"components\":[{\"name\":\"scope\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"salt\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"changes\",\"type\":\"bytes\",\"internalType\":\"bytes\"}]},{\"name\":\"nonce\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"},{\"name\":\"deadline\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"consents\",\"type\":\"tuple[]\",\"internalType\":\"structConsent[]\",\"components\":[{\"name\":\"guardian\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"signature\",\"type\":\"bytes\",\"internalType\":\"bytes\"}]}],\"outputs\":[],\"stateMutability\":\"nonpayable\"},{\"type\":\"event\",\"name\":\"Appended\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"indexed\":true,\"internalType\":\"bytes32\"},{\"name\":\"scope\",\"type\":\"bytes32\",\"indexed\":true,\"internalType\":\"bytes32\"},{\"name\":\"head\",\"type\":\"bytes32\",\"indexed\":false,\"internalType\":\"bytes32\"},{\"name\":\"subject\",\"type\":\"bytes32\",\"indexed\":false,\"internalType\":\"bytes32\"},{\"name\":\"authors\",\"type\":\"address[]\",\"indexed\":false,\"internalType\":\"address[]\"},{\"name\":\"data\",\"type\":\"bytes\",\"indexed\":false,\"internalType\":\"bytes\"}],\"anonymous\":false},{\"type\":\"error\",\"name\":\"AlreadyWritten\",\"inputs\":[{\"name\":\"digest\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"ApprovalsNeeded\",\"inputs\":[{\"name\":\"kind\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"approvals\",\"type\":\"uint8\",\"internalType\":\"uint8\"}]},{\"type\":\"error\",\"name\":\"BeyondMaker\",\"inputs\":[{\"name\":\"subject\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"CoolingDown\",\"inputs\":[{\"name\":\"until\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"DataTooLong\",\"inputs\":[{\"name\":\"length\",\"type\":\"uint256\",\"internalType\":\"uint256\"}]},{\"type\":\"error\",\"name\":\"DeadlinePassed\",\"inputs\":[{\"name\":\"deadline\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"ERC5267ExtensionsNotSupported\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"Frozen\",\"inputs\":[{\"name\":\"until\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"InvalidAdmin\",\"inputs\":[{\"name\":\"subject\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"InvalidApprovals\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"InvalidDistrust\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"InvalidGuardians\",\"inputs\":[{\"name\":\"subject\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"InvalidLimit\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"InvalidPointer\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"InvalidRecovery\",\"inputs\":[{\"name\":\"subject\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"InvalidSignature\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"}]},{\"type\":\"error\",\"name\":\"InvalidThreshold\",\"inputs\":[{\"name\":\"kind\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"approvals\",\"type\":\"uint8\",\"internalType\":\"uint8\"}]},{\"type\":\"error\",\"name\":\"InvalidWindow\",\"inputs\":[{\"name\":\"from\",\"type\":\"uint40\",\"internalType\":\"uint40\"},{\"name\":\"until\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"MalformedChanges\",\"inputs\":[]},{\"type\":\"error\",\"name\":\"NoRecovery\",\"inputs\":[{\"name\":\"subject\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"NotAdmin\",\"inputs\":[{\"name\":\"admin\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"NotAllowed\",\"inputs\":[{\"name\":\"action\",\"type\":\"uint8\",\"internalType\":\"uint8\"},{\"name\":\"kind\",\"type\":\"uint8\",\"internalType\":\"uint8\"}]},{\"type\":\"error\",\"name\":\"NotGuardians\",\"inputs\":[{\"name\":\"subject\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"NotRevocable\",\"inputs\":[{\"name\":\"kind\",\"type\":\"uint8\",\"internalType\":\"uint8\"}]},{\"type\":\"error\",\"name\":\"NotVetoable\",\"inputs\":[{\"name\":\"subject\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"OrganisationExists\",\"inputs\":[{\"name\":\"org\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"OrganisationScopeOnly\",\"inputs\":[{\"name\":\"kind\",\"type\":\"uint8\",\"internalType\":\"uint8\"}]},{\"type\":\"error\",\"name\":\"OutOfReach\",\"inputs\":[{\"name\":\"scope\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"RootExists\",\"inputs\":[{\"name\":\"account\",\"type\":\"address\",\"internalType\":\"address\"}]},{\"type\":\"error\",\"name\":\"RootProtected\",\"inputs\":[{\"name\":\"subject\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"SubjectUsed\",\"inputs\":[{\"name\":\"subject\",\"type\":\"bytes32\",\"internalType\":\"bytes32\"}]},{\"type\":\"error\",\"name\":\"TooEarly\",\"inputs\":[{\"name\":\"from\",\"type\":\"uint40\",\"internalType\":\"uint40\"}]},{\"type\":\"error\",\"name\":\"UnknownAction\",\"inputs\":[{\"name\":\"action\",\"type\":\"uint8\",\"internalType\":\"uint8\"}]},{\"type\":\"error\",\"name\":\"UnknownKind\",\"inputs\":[{\"name\":\"kind\",\"type\":\"uint8\",\"internalType\":\"uint8\"}]}]",
	ID:  "DPKI",
}

// DPKI is an auto generated Go binding around an Ethereum contract.
type DPKI struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *DPKI) GetABI() abi.ABI {
	return c.abi
}

// NewDPKI creates a new instance of DPKI.
func NewDPKI() *DPKI {
	parsed, err := DPKIMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &DPKI{abi: *parsed}
}

// Instance creates a wrapper for a deployed contract instance at the given address.
// Use this to create the instance object passed to abigen v2 library functions Call, Transact, etc.
func (c *DPKI) Instance(backend bind.ContractBackend, addr common.Address) *bind.BoundContract {
	return bind.NewBoundContract(addr, c.abi, backend, backend, backend)
}

// PackCheckpointOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6c3f6d49.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function checkpointOf(bytes32 org, bytes32 scope, uint256 i) view returns(bytes32 h)
func (dPKI *DPKI) PackCheckpointOf(org [32]byte, scope [32]byte, i *big.Int) []byte {
	enc, err := dPKI.abi.Pack("checkpointOf", org, scope, i)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCheckpointOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6c3f6d49.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function checkpointOf(bytes32 org, bytes32 scope, uint256 i) view returns(bytes32 h)
func (dPKI *DPKI) TryPackCheckpointOf(org [32]byte, scope [32]byte, i *big.Int) ([]byte, error) {
	return dPKI.abi.Pack("checkpointOf", org, scope, i)
}

// UnpackCheckpointOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x6c3f6d49.
//
// Solidity: function checkpointOf(bytes32 org, bytes32 scope, uint256 i) view returns(bytes32 h)
func (dPKI *DPKI) UnpackCheckpointOf(data []byte) ([32]byte, error) {
	out, err := dPKI.abi.Unpack("checkpointOf", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackCompleteRecovery is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7e49a636.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function completeRecovery(bytes32 org, bytes guardians, bytes recovery) returns()
func (dPKI *DPKI) PackCompleteRecovery(org [32]byte, guardians []byte, recovery []byte) []byte {
	enc, err := dPKI.abi.Pack("completeRecovery", org, guardians, recovery)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCompleteRecovery is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7e49a636.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function completeRecovery(bytes32 org, bytes guardians, bytes recovery) returns()
func (dPKI *DPKI) TryPackCompleteRecovery(org [32]byte, guardians []byte, recovery []byte) ([]byte, error) {
	return dPKI.abi.Pack("completeRecovery", org, guardians, recovery)
}

// PackCreateOrganisation is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6b46fdc0.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function createOrganisation(bytes32 salt) returns(bytes32 org)
func (dPKI *DPKI) PackCreateOrganisation(salt [32]byte) []byte {
	enc, err := dPKI.abi.Pack("createOrganisation", salt)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCreateOrganisation is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6b46fdc0.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function createOrganisation(bytes32 salt) returns(bytes32 org)
func (dPKI *DPKI) TryPackCreateOrganisation(salt [32]byte) ([]byte, error) {
	return dPKI.abi.Pack("createOrganisation", salt)
}

// UnpackCreateOrganisation is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x6b46fdc0.
//
// Solidity: function createOrganisation(bytes32 salt) returns(bytes32 org)
func (dPKI *DPKI) UnpackCreateOrganisation(data []byte) ([32]byte, error) {
	out, err := dPKI.abi.Unpack("createOrganisation", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackDigestOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe22eb1b4.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function digestOf(bytes32 org, (bytes32,bytes32,bytes)[] groups, bytes32 nonce, uint40 deadline) view returns(bytes32 digest)
func (dPKI *DPKI) PackDigestOf(org [32]byte, groups []Group, nonce [32]byte, deadline *big.Int) []byte {
	enc, err := dPKI.abi.Pack("digestOf", org, groups, nonce, deadline)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackDigestOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe22eb1b4.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function digestOf(bytes32 org, (bytes32,bytes32,bytes)[] groups, bytes32 nonce, uint40 deadline) view returns(bytes32 digest)
func (dPKI *DPKI) TryPackDigestOf(org [32]byte, groups []Group, nonce [32]byte, deadline *big.Int) ([]byte, error) {
	return dPKI.abi.Pack("digestOf", org, groups, nonce, deadline)
}

// UnpackDigestOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xe22eb1b4.
//
// Solidity: function digestOf(bytes32 org, (bytes32,bytes32,bytes)[] groups, bytes32 nonce, uint40 deadline) view returns(bytes32 digest)
func (dPKI *DPKI) UnpackDigestOf(data []byte) ([32]byte, error) {
	out, err := dPKI.abi.Unpack("digestOf", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackFreezeOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0ccaf809.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function freezeOf(bytes32 org) view returns(uint40 until, uint40 coolUntil)
func (dPKI *DPKI) PackFreezeOf(org [32]byte) []byte {
	enc, err := dPKI.abi.Pack("freezeOf", org)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackFreezeOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0ccaf809.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function freezeOf(bytes32 org) view returns(uint40 until, uint40 coolUntil)
func (dPKI *DPKI) TryPackFreezeOf(org [32]byte) ([]byte, error) {
	return dPKI.abi.Pack("freezeOf", org)
}

// FreezeOfOutput serves as a container for the return parameters of contract
// method FreezeOf.
type FreezeOfOutput struct {
	Until     *big.Int
	CoolUntil *big.Int
}

// UnpackFreezeOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x0ccaf809.
//
// Solidity: function freezeOf(bytes32 org) view returns(uint40 until, uint40 coolUntil)
func (dPKI *DPKI) UnpackFreezeOf(data []byte) (FreezeOfOutput, error) {
	out, err := dPKI.abi.Unpack("freezeOf", data)
	outstruct := new(FreezeOfOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Until = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.CoolUntil = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	return *outstruct, nil
}

// PackGuardiansOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4ca9f690.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function guardiansOf(bytes32 org) view returns(bytes32 guardians, uint40 timelock, bytes32 pending, uint40 pendingFrom)
func (dPKI *DPKI) PackGuardiansOf(org [32]byte) []byte {
	enc, err := dPKI.abi.Pack("guardiansOf", org)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackGuardiansOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4ca9f690.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function guardiansOf(bytes32 org) view returns(bytes32 guardians, uint40 timelock, bytes32 pending, uint40 pendingFrom)
func (dPKI *DPKI) TryPackGuardiansOf(org [32]byte) ([]byte, error) {
	return dPKI.abi.Pack("guardiansOf", org)
}

// GuardiansOfOutput serves as a container for the return parameters of contract
// method GuardiansOf.
type GuardiansOfOutput struct {
	Guardians   [32]byte
	Timelock    *big.Int
	Pending     [32]byte
	PendingFrom *big.Int
}

// UnpackGuardiansOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x4ca9f690.
//
// Solidity: function guardiansOf(bytes32 org) view returns(bytes32 guardians, uint40 timelock, bytes32 pending, uint40 pendingFrom)
func (dPKI *DPKI) UnpackGuardiansOf(data []byte) (GuardiansOfOutput, error) {
	out, err := dPKI.abi.Unpack("guardiansOf", data)
	outstruct := new(GuardiansOfOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Guardians = *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	outstruct.Timelock = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.Pending = *abi.ConvertType(out[2], new([32]byte)).(*[32]byte)
	outstruct.PendingFrom = abi.ConvertType(out[3], new(big.Int)).(*big.Int)
	return *outstruct, nil
}

// PackHashOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x5c5cdc4e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function hashOf(bytes32 org, bytes32 scope) view returns(bytes32 h)
func (dPKI *DPKI) PackHashOf(org [32]byte, scope [32]byte) []byte {
	enc, err := dPKI.abi.Pack("hashOf", org, scope)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackHashOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x5c5cdc4e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function hashOf(bytes32 org, bytes32 scope) view returns(bytes32 h)
func (dPKI *DPKI) TryPackHashOf(org [32]byte, scope [32]byte) ([]byte, error) {
	return dPKI.abi.Pack("hashOf", org, scope)
}

// UnpackHashOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x5c5cdc4e.
//
// Solidity: function hashOf(bytes32 org, bytes32 scope) view returns(bytes32 h)
func (dPKI *DPKI) UnpackHashOf(data []byte) ([32]byte, error) {
	out, err := dPKI.abi.Unpack("hashOf", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackIsWritten is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4a526d9d.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function isWritten(bytes32 digest) view returns(bool)
func (dPKI *DPKI) PackIsWritten(digest [32]byte) []byte {
	enc, err := dPKI.abi.Pack("isWritten", digest)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackIsWritten is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4a526d9d.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function isWritten(bytes32 digest) view returns(bool)
func (dPKI *DPKI) TryPackIsWritten(digest [32]byte) ([]byte, error) {
	return dPKI.abi.Pack("isWritten", digest)
}

// UnpackIsWritten is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x4a526d9d.
//
// Solidity: function isWritten(bytes32 digest) view returns(bool)
func (dPKI *DPKI) UnpackIsWritten(data []byte) (bool, error) {
	out, err := dPKI.abi.Unpack("isWritten", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackLimitOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6f0728f7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function limitOf(bytes32 org, uint8 kind) view returns(uint8 approvals, uint40 longest)
func (dPKI *DPKI) PackLimitOf(org [32]byte, kind uint8) []byte {
	enc, err := dPKI.abi.Pack("limitOf", org, kind)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLimitOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6f0728f7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function limitOf(bytes32 org, uint8 kind) view returns(uint8 approvals, uint40 longest)
func (dPKI *DPKI) TryPackLimitOf(org [32]byte, kind uint8) ([]byte, error) {
	return dPKI.abi.Pack("limitOf", org, kind)
}

// LimitOfOutput serves as a container for the return parameters of contract
// method LimitOf.
type LimitOfOutput struct {
	Approvals uint8
	Longest   *big.Int
}

// UnpackLimitOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x6f0728f7.
//
// Solidity: function limitOf(bytes32 org, uint8 kind) view returns(uint8 approvals, uint40 longest)
func (dPKI *DPKI) UnpackLimitOf(data []byte) (LimitOfOutput, error) {
	out, err := dPKI.abi.Unpack("limitOf", data)
	outstruct := new(LimitOfOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Approvals = *abi.ConvertType(out[0], new(uint8)).(*uint8)
	outstruct.Longest = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	return *outstruct, nil
}

// PackOrganisationOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb44103e1.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function organisationOf(bytes32 org) view returns(uint32 epoch, uint32 roots)
func (dPKI *DPKI) PackOrganisationOf(org [32]byte) []byte {
	enc, err := dPKI.abi.Pack("organisationOf", org)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackOrganisationOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb44103e1.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function organisationOf(bytes32 org) view returns(uint32 epoch, uint32 roots)
func (dPKI *DPKI) TryPackOrganisationOf(org [32]byte) ([]byte, error) {
	return dPKI.abi.Pack("organisationOf", org)
}

// OrganisationOfOutput serves as a container for the return parameters of contract
// method OrganisationOf.
type OrganisationOfOutput struct {
	Epoch uint32
	Roots uint32
}

// UnpackOrganisationOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xb44103e1.
//
// Solidity: function organisationOf(bytes32 org) view returns(uint32 epoch, uint32 roots)
func (dPKI *DPKI) UnpackOrganisationOf(data []byte) (OrganisationOfOutput, error) {
	out, err := dPKI.abi.Unpack("organisationOf", data)
	outstruct := new(OrganisationOfOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Epoch = *abi.ConvertType(out[0], new(uint32)).(*uint32)
	outstruct.Roots = *abi.ConvertType(out[1], new(uint32)).(*uint32)
	return *outstruct, nil
}

// PackRecordOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2212262e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function recordOf(bytes32 org, bytes32 scope, uint8 kind, bytes32 subject) view returns(uint40 from, uint40 until, uint40 revokedAt, uint48 seq, uint32 epoch)
func (dPKI *DPKI) PackRecordOf(org [32]byte, scope [32]byte, kind uint8, subject [32]byte) []byte {
	enc, err := dPKI.abi.Pack("recordOf", org, scope, kind, subject)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRecordOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2212262e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function recordOf(bytes32 org, bytes32 scope, uint8 kind, bytes32 subject) view returns(uint40 from, uint40 until, uint40 revokedAt, uint48 seq, uint32 epoch)
func (dPKI *DPKI) TryPackRecordOf(org [32]byte, scope [32]byte, kind uint8, subject [32]byte) ([]byte, error) {
	return dPKI.abi.Pack("recordOf", org, scope, kind, subject)
}

// RecordOfOutput serves as a container for the return parameters of contract
// method RecordOf.
type RecordOfOutput struct {
	From      *big.Int
	Until     *big.Int
	RevokedAt *big.Int
	Seq       *big.Int
	Epoch     uint32
}

// UnpackRecordOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x2212262e.
//
// Solidity: function recordOf(bytes32 org, bytes32 scope, uint8 kind, bytes32 subject) view returns(uint40 from, uint40 until, uint40 revokedAt, uint48 seq, uint32 epoch)
func (dPKI *DPKI) UnpackRecordOf(data []byte) (RecordOfOutput, error) {
	out, err := dPKI.abi.Unpack("recordOf", data)
	outstruct := new(RecordOfOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.From = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.Until = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.RevokedAt = abi.ConvertType(out[2], new(big.Int)).(*big.Int)
	outstruct.Seq = abi.ConvertType(out[3], new(big.Int)).(*big.Int)
	outstruct.Epoch = *abi.ConvertType(out[4], new(uint32)).(*uint32)
	return *outstruct, nil
}

// PackRecoveryOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb2312bdf.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function recoveryOf(bytes32 org) view returns(bytes32 recovery, uint40 completeFrom, bool isFinal, bool isVetoed)
func (dPKI *DPKI) PackRecoveryOf(org [32]byte) []byte {
	enc, err := dPKI.abi.Pack("recoveryOf", org)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRecoveryOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb2312bdf.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function recoveryOf(bytes32 org) view returns(bytes32 recovery, uint40 completeFrom, bool isFinal, bool isVetoed)
func (dPKI *DPKI) TryPackRecoveryOf(org [32]byte) ([]byte, error) {
	return dPKI.abi.Pack("recoveryOf", org)
}

// RecoveryOfOutput serves as a container for the return parameters of contract
// method RecoveryOf.
type RecoveryOfOutput struct {
	Recovery     [32]byte
	CompleteFrom *big.Int
	IsFinal      bool
	IsVetoed     bool
}

// UnpackRecoveryOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xb2312bdf.
//
// Solidity: function recoveryOf(bytes32 org) view returns(bytes32 recovery, uint40 completeFrom, bool isFinal, bool isVetoed)
func (dPKI *DPKI) UnpackRecoveryOf(data []byte) (RecoveryOfOutput, error) {
	out, err := dPKI.abi.Unpack("recoveryOf", data)
	outstruct := new(RecoveryOfOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Recovery = *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	outstruct.CompleteFrom = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.IsFinal = *abi.ConvertType(out[2], new(bool)).(*bool)
	outstruct.IsVetoed = *abi.ConvertType(out[3], new(bool)).(*bool)
	return *outstruct, nil
}

// PackTipOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x89a3df44.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function tipOf(bytes32 org, bytes32 scope) view returns(uint48 seq, uint48 blockNumber, uint40 time)
func (dPKI *DPKI) PackTipOf(org [32]byte, scope [32]byte) []byte {
	enc, err := dPKI.abi.Pack("tipOf", org, scope)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTipOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x89a3df44.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function tipOf(bytes32 org, bytes32 scope) view returns(uint48 seq, uint48 blockNumber, uint40 time)
func (dPKI *DPKI) TryPackTipOf(org [32]byte, scope [32]byte) ([]byte, error) {
	return dPKI.abi.Pack("tipOf", org, scope)
}

// TipOfOutput serves as a container for the return parameters of contract
// method TipOf.
type TipOfOutput struct {
	Seq         *big.Int
	BlockNumber *big.Int
	Time        *big.Int
}

// UnpackTipOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x89a3df44.
//
// Solidity: function tipOf(bytes32 org, bytes32 scope) view returns(uint48 seq, uint48 blockNumber, uint40 time)
func (dPKI *DPKI) UnpackTipOf(data []byte) (TipOfOutput, error) {
	out, err := dPKI.abi.Unpack("tipOf", data)
	outstruct := new(TipOfOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Seq = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.BlockNumber = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.Time = abi.ConvertType(out[2], new(big.Int)).(*big.Int)
	return *outstruct, nil
}

// PackWrite is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf5079e5a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function write(bytes32 org, (address,bytes32,uint96,uint96,uint8,bytes32) admin, (bytes32,bytes32,bytes)[] groups) returns()
func (dPKI *DPKI) PackWrite(org [32]byte, admin Admin, groups []Group) []byte {
	enc, err := dPKI.abi.Pack("write", org, admin, groups)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackWrite is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf5079e5a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function write(bytes32 org, (address,bytes32,uint96,uint96,uint8,bytes32) admin, (bytes32,bytes32,bytes)[] groups) returns()
func (dPKI *DPKI) TryPackWrite(org [32]byte, admin Admin, groups []Group) ([]byte, error) {
	return dPKI.abi.Pack("write", org, admin, groups)
}

// PackWriteApproved is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe90461cf.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function writeApproved(bytes32 org, (bytes32,bytes32,bytes)[] groups, bytes32 nonce, uint40 deadline, ((address,bytes32,uint96,uint96,uint8,bytes32),bytes)[] approvals) returns()
func (dPKI *DPKI) PackWriteApproved(org [32]byte, groups []Group, nonce [32]byte, deadline *big.Int, approvals []Approval) []byte {
	enc, err := dPKI.abi.Pack("writeApproved", org, groups, nonce, deadline, approvals)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackWriteApproved is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe90461cf.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function writeApproved(bytes32 org, (bytes32,bytes32,bytes)[] groups, bytes32 nonce, uint40 deadline, ((address,bytes32,uint96,uint96,uint8,bytes32),bytes)[] approvals) returns()
func (dPKI *DPKI) TryPackWriteApproved(org [32]byte, groups []Group, nonce [32]byte, deadline *big.Int, approvals []Approval) ([]byte, error) {
	return dPKI.abi.Pack("writeApproved", org, groups, nonce, deadline, approvals)
}

// PackWriteGuarded is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x60869119.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function writeGuarded(bytes32 org, bytes guardians, (bytes32,bytes32,bytes)[] groups, bytes32 nonce, uint40 deadline, (uint8,bytes)[] consents) returns()
func (dPKI *DPKI) PackWriteGuarded(org [32]byte, guardians []byte, groups []Group, nonce [32]byte, deadline *big.Int, consents []Consent) []byte {
	enc, err := dPKI.abi.Pack("writeGuarded", org, guardians, groups, nonce, deadline, consents)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackWriteGuarded is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x60869119.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function writeGuarded(bytes32 org, bytes guardians, (bytes32,bytes32,bytes)[] groups, bytes32 nonce, uint40 deadline, (uint8,bytes)[] consents) returns()
func (dPKI *DPKI) TryPackWriteGuarded(org [32]byte, guardians []byte, groups []Group, nonce [32]byte, deadline *big.Int, consents []Consent) ([]byte, error) {
	return dPKI.abi.Pack("writeGuarded", org, guardians, groups, nonce, deadline, consents)
}

// DPKIAppended represents a Appended event raised by the DPKI contract.
type DPKIAppended struct {
	Org     [32]byte
	Scope   [32]byte
	Head    [32]byte
	Subject [32]byte
	Authors []common.Address
	Data    []byte
	Raw     *types.Log // Blockchain specific contextual infos
}

const DPKIAppendedEventName = "Appended"

// ContractEventName returns the user-defined event name.
func (DPKIAppended) ContractEventName() string {
	return DPKIAppendedEventName
}

// UnpackAppendedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Appended(bytes32 indexed org, bytes32 indexed scope, bytes32 head, bytes32 subject, address[] authors, bytes data)
func (dPKI *DPKI) UnpackAppendedEvent(log *types.Log) (*DPKIAppended, error) {
	event := "Appended"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != dPKI.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(DPKIAppended)
	if len(log.Data) > 0 {
		if err := dPKI.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range dPKI.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// UnpackError attempts to decode the provided error data using user-defined
// error definitions.
func (dPKI *DPKI) UnpackError(raw []byte) (any, error) {
	if bytes.Equal(raw[:4], dPKI.abi.Errors["AlreadyWritten"].ID.Bytes()[:4]) {
		return dPKI.UnpackAlreadyWrittenError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["ApprovalsNeeded"].ID.Bytes()[:4]) {
		return dPKI.UnpackApprovalsNeededError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["BeyondMaker"].ID.Bytes()[:4]) {
		return dPKI.UnpackBeyondMakerError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["CoolingDown"].ID.Bytes()[:4]) {
		return dPKI.UnpackCoolingDownError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["DataTooLong"].ID.Bytes()[:4]) {
		return dPKI.UnpackDataTooLongError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["DeadlinePassed"].ID.Bytes()[:4]) {
		return dPKI.UnpackDeadlinePassedError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["ERC5267ExtensionsNotSupported"].ID.Bytes()[:4]) {
		return dPKI.UnpackERC5267ExtensionsNotSupportedError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["Frozen"].ID.Bytes()[:4]) {
		return dPKI.UnpackFrozenError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["InvalidAdmin"].ID.Bytes()[:4]) {
		return dPKI.UnpackInvalidAdminError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["InvalidApprovals"].ID.Bytes()[:4]) {
		return dPKI.UnpackInvalidApprovalsError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["InvalidDistrust"].ID.Bytes()[:4]) {
		return dPKI.UnpackInvalidDistrustError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["InvalidGuardians"].ID.Bytes()[:4]) {
		return dPKI.UnpackInvalidGuardiansError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["InvalidLimit"].ID.Bytes()[:4]) {
		return dPKI.UnpackInvalidLimitError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["InvalidPointer"].ID.Bytes()[:4]) {
		return dPKI.UnpackInvalidPointerError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["InvalidRecovery"].ID.Bytes()[:4]) {
		return dPKI.UnpackInvalidRecoveryError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["InvalidSignature"].ID.Bytes()[:4]) {
		return dPKI.UnpackInvalidSignatureError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["InvalidThreshold"].ID.Bytes()[:4]) {
		return dPKI.UnpackInvalidThresholdError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["InvalidWindow"].ID.Bytes()[:4]) {
		return dPKI.UnpackInvalidWindowError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["MalformedChanges"].ID.Bytes()[:4]) {
		return dPKI.UnpackMalformedChangesError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["NoRecovery"].ID.Bytes()[:4]) {
		return dPKI.UnpackNoRecoveryError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["NotAdmin"].ID.Bytes()[:4]) {
		return dPKI.UnpackNotAdminError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["NotAllowed"].ID.Bytes()[:4]) {
		return dPKI.UnpackNotAllowedError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["NotGuardians"].ID.Bytes()[:4]) {
		return dPKI.UnpackNotGuardiansError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["NotRevocable"].ID.Bytes()[:4]) {
		return dPKI.UnpackNotRevocableError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["NotVetoable"].ID.Bytes()[:4]) {
		return dPKI.UnpackNotVetoableError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["OrganisationExists"].ID.Bytes()[:4]) {
		return dPKI.UnpackOrganisationExistsError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["OrganisationScopeOnly"].ID.Bytes()[:4]) {
		return dPKI.UnpackOrganisationScopeOnlyError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["OutOfReach"].ID.Bytes()[:4]) {
		return dPKI.UnpackOutOfReachError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["RootExists"].ID.Bytes()[:4]) {
		return dPKI.UnpackRootExistsError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["RootProtected"].ID.Bytes()[:4]) {
		return dPKI.UnpackRootProtectedError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["SubjectUsed"].ID.Bytes()[:4]) {
		return dPKI.UnpackSubjectUsedError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["TooEarly"].ID.Bytes()[:4]) {
		return dPKI.UnpackTooEarlyError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["UnknownAction"].ID.Bytes()[:4]) {
		return dPKI.UnpackUnknownActionError(raw[4:])
	}
	if bytes.Equal(raw[:4], dPKI.abi.Errors["UnknownKind"].ID.Bytes()[:4]) {
		return dPKI.UnpackUnknownKindError(raw[4:])
	}
	return nil, errors.New("Unknown error")
}

// DPKIAlreadyWritten represents a AlreadyWritten error raised by the DPKI contract.
type DPKIAlreadyWritten struct {
	Digest [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error AlreadyWritten(bytes32 digest)
func DPKIAlreadyWrittenErrorID() common.Hash {
	return common.HexToHash("0x1c5415b3f75baf8fbc653e5507f2946399f1a8a067a3004fc9245e5923a58453")
}

// UnpackAlreadyWrittenError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error AlreadyWritten(bytes32 digest)
func (dPKI *DPKI) UnpackAlreadyWrittenError(raw []byte) (*DPKIAlreadyWritten, error) {
	out := new(DPKIAlreadyWritten)
	if err := dPKI.abi.UnpackIntoInterface(out, "AlreadyWritten", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIApprovalsNeeded represents a ApprovalsNeeded error raised by the DPKI contract.
type DPKIApprovalsNeeded struct {
	Kind      uint8
	Approvals uint8
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ApprovalsNeeded(uint8 kind, uint8 approvals)
func DPKIApprovalsNeededErrorID() common.Hash {
	return common.HexToHash("0xba77a4392c60977dcbe66670d3c9f4725c08dca85699d9ba05573d68a7e1c28a")
}

// UnpackApprovalsNeededError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ApprovalsNeeded(uint8 kind, uint8 approvals)
func (dPKI *DPKI) UnpackApprovalsNeededError(raw []byte) (*DPKIApprovalsNeeded, error) {
	out := new(DPKIApprovalsNeeded)
	if err := dPKI.abi.UnpackIntoInterface(out, "ApprovalsNeeded", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIBeyondMaker represents a BeyondMaker error raised by the DPKI contract.
type DPKIBeyondMaker struct {
	Subject [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BeyondMaker(bytes32 subject)
func DPKIBeyondMakerErrorID() common.Hash {
	return common.HexToHash("0xbcf193b1b90e0b484947174b7c28d7de3252c30f95e906f42fcbe32018c24cee")
}

// UnpackBeyondMakerError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BeyondMaker(bytes32 subject)
func (dPKI *DPKI) UnpackBeyondMakerError(raw []byte) (*DPKIBeyondMaker, error) {
	out := new(DPKIBeyondMaker)
	if err := dPKI.abi.UnpackIntoInterface(out, "BeyondMaker", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKICoolingDown represents a CoolingDown error raised by the DPKI contract.
type DPKICoolingDown struct {
	Until *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error CoolingDown(uint40 until)
func DPKICoolingDownErrorID() common.Hash {
	return common.HexToHash("0x8a14bed9bf34b798cf393debcc827c25aeebebbd6d66d8c0aca924e80d364123")
}

// UnpackCoolingDownError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error CoolingDown(uint40 until)
func (dPKI *DPKI) UnpackCoolingDownError(raw []byte) (*DPKICoolingDown, error) {
	out := new(DPKICoolingDown)
	if err := dPKI.abi.UnpackIntoInterface(out, "CoolingDown", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIDataTooLong represents a DataTooLong error raised by the DPKI contract.
type DPKIDataTooLong struct {
	Length *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error DataTooLong(uint256 length)
func DPKIDataTooLongErrorID() common.Hash {
	return common.HexToHash("0xf516bf4c67bf2e199bd6060c5cfcc57210b4cf302b4f4cff1cc906b14c8a345a")
}

// UnpackDataTooLongError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error DataTooLong(uint256 length)
func (dPKI *DPKI) UnpackDataTooLongError(raw []byte) (*DPKIDataTooLong, error) {
	out := new(DPKIDataTooLong)
	if err := dPKI.abi.UnpackIntoInterface(out, "DataTooLong", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIDeadlinePassed represents a DeadlinePassed error raised by the DPKI contract.
type DPKIDeadlinePassed struct {
	Deadline *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error DeadlinePassed(uint40 deadline)
func DPKIDeadlinePassedErrorID() common.Hash {
	return common.HexToHash("0x6747c9fdfb92954b77f90f5f74a9c5e1c4c16c5277be003b6e123777cb3140ca")
}

// UnpackDeadlinePassedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error DeadlinePassed(uint40 deadline)
func (dPKI *DPKI) UnpackDeadlinePassedError(raw []byte) (*DPKIDeadlinePassed, error) {
	out := new(DPKIDeadlinePassed)
	if err := dPKI.abi.UnpackIntoInterface(out, "DeadlinePassed", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIERC5267ExtensionsNotSupported represents a ERC5267ExtensionsNotSupported error raised by the DPKI contract.
type DPKIERC5267ExtensionsNotSupported struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC5267ExtensionsNotSupported()
func DPKIERC5267ExtensionsNotSupportedErrorID() common.Hash {
	return common.HexToHash("0xdb00f904774eb2c01c48f03b898f2a97ac4b7f0de1ac6e506fc45d89c69ac23c")
}

// UnpackERC5267ExtensionsNotSupportedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC5267ExtensionsNotSupported()
func (dPKI *DPKI) UnpackERC5267ExtensionsNotSupportedError(raw []byte) (*DPKIERC5267ExtensionsNotSupported, error) {
	out := new(DPKIERC5267ExtensionsNotSupported)
	if err := dPKI.abi.UnpackIntoInterface(out, "ERC5267ExtensionsNotSupported", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIFrozen represents a Frozen error raised by the DPKI contract.
type DPKIFrozen struct {
	Until *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error Frozen(uint40 until)
func DPKIFrozenErrorID() common.Hash {
	return common.HexToHash("0x761c6025e88b29e1538d1e7ed666eba8505ae08aa3fce07834ac53d51f3734a6")
}

// UnpackFrozenError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error Frozen(uint40 until)
func (dPKI *DPKI) UnpackFrozenError(raw []byte) (*DPKIFrozen, error) {
	out := new(DPKIFrozen)
	if err := dPKI.abi.UnpackIntoInterface(out, "Frozen", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIInvalidAdmin represents a InvalidAdmin error raised by the DPKI contract.
type DPKIInvalidAdmin struct {
	Subject [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidAdmin(bytes32 subject)
func DPKIInvalidAdminErrorID() common.Hash {
	return common.HexToHash("0x670e80104c96ead0e04001931848d55b652aed93eb1e13bb9b5e8dec09fa4ee7")
}

// UnpackInvalidAdminError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidAdmin(bytes32 subject)
func (dPKI *DPKI) UnpackInvalidAdminError(raw []byte) (*DPKIInvalidAdmin, error) {
	out := new(DPKIInvalidAdmin)
	if err := dPKI.abi.UnpackIntoInterface(out, "InvalidAdmin", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIInvalidApprovals represents a InvalidApprovals error raised by the DPKI contract.
type DPKIInvalidApprovals struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidApprovals()
func DPKIInvalidApprovalsErrorID() common.Hash {
	return common.HexToHash("0x16bc401c4a847ba67856b7cd3cf6271918e3959555f944b0bd1a186c0a3aa7d7")
}

// UnpackInvalidApprovalsError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidApprovals()
func (dPKI *DPKI) UnpackInvalidApprovalsError(raw []byte) (*DPKIInvalidApprovals, error) {
	out := new(DPKIInvalidApprovals)
	if err := dPKI.abi.UnpackIntoInterface(out, "InvalidApprovals", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIInvalidDistrust represents a InvalidDistrust error raised by the DPKI contract.
type DPKIInvalidDistrust struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidDistrust()
func DPKIInvalidDistrustErrorID() common.Hash {
	return common.HexToHash("0xfb4515f9ea89ef6f1ca1d9d5e208b085d6d5ed29e5f4ca11061cfc97013c0cae")
}

// UnpackInvalidDistrustError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidDistrust()
func (dPKI *DPKI) UnpackInvalidDistrustError(raw []byte) (*DPKIInvalidDistrust, error) {
	out := new(DPKIInvalidDistrust)
	if err := dPKI.abi.UnpackIntoInterface(out, "InvalidDistrust", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIInvalidGuardians represents a InvalidGuardians error raised by the DPKI contract.
type DPKIInvalidGuardians struct {
	Subject [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidGuardians(bytes32 subject)
func DPKIInvalidGuardiansErrorID() common.Hash {
	return common.HexToHash("0x15ccdc4600fec6b1fb529c3421633678987c963f4703ae72c44f492093554e91")
}

// UnpackInvalidGuardiansError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidGuardians(bytes32 subject)
func (dPKI *DPKI) UnpackInvalidGuardiansError(raw []byte) (*DPKIInvalidGuardians, error) {
	out := new(DPKIInvalidGuardians)
	if err := dPKI.abi.UnpackIntoInterface(out, "InvalidGuardians", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIInvalidLimit represents a InvalidLimit error raised by the DPKI contract.
type DPKIInvalidLimit struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidLimit()
func DPKIInvalidLimitErrorID() common.Hash {
	return common.HexToHash("0xe55fb5099fc1c50601e2861f8a236f2cb6397aa005ad5298ff18a058575505f2")
}

// UnpackInvalidLimitError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidLimit()
func (dPKI *DPKI) UnpackInvalidLimitError(raw []byte) (*DPKIInvalidLimit, error) {
	out := new(DPKIInvalidLimit)
	if err := dPKI.abi.UnpackIntoInterface(out, "InvalidLimit", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIInvalidPointer represents a InvalidPointer error raised by the DPKI contract.
type DPKIInvalidPointer struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidPointer()
func DPKIInvalidPointerErrorID() common.Hash {
	return common.HexToHash("0x11052bb407912053783024f2a3667e0357c47e4c393489fb21853d94c26a0298")
}

// UnpackInvalidPointerError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidPointer()
func (dPKI *DPKI) UnpackInvalidPointerError(raw []byte) (*DPKIInvalidPointer, error) {
	out := new(DPKIInvalidPointer)
	if err := dPKI.abi.UnpackIntoInterface(out, "InvalidPointer", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIInvalidRecovery represents a InvalidRecovery error raised by the DPKI contract.
type DPKIInvalidRecovery struct {
	Subject [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidRecovery(bytes32 subject)
func DPKIInvalidRecoveryErrorID() common.Hash {
	return common.HexToHash("0x6b73085aa50f26205e3edf8180e8ecd60d3c8f75e67d861ea94726547ac02fd9")
}

// UnpackInvalidRecoveryError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidRecovery(bytes32 subject)
func (dPKI *DPKI) UnpackInvalidRecoveryError(raw []byte) (*DPKIInvalidRecovery, error) {
	out := new(DPKIInvalidRecovery)
	if err := dPKI.abi.UnpackIntoInterface(out, "InvalidRecovery", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIInvalidSignature represents a InvalidSignature error raised by the DPKI contract.
type DPKIInvalidSignature struct {
	Account common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidSignature(address account)
func DPKIInvalidSignatureErrorID() common.Hash {
	return common.HexToHash("0xd855c4f4d7a9aef9d1b6f49c25339cf5cd471e30830c8071f7b5024985e5abcd")
}

// UnpackInvalidSignatureError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidSignature(address account)
func (dPKI *DPKI) UnpackInvalidSignatureError(raw []byte) (*DPKIInvalidSignature, error) {
	out := new(DPKIInvalidSignature)
	if err := dPKI.abi.UnpackIntoInterface(out, "InvalidSignature", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIInvalidThreshold represents a InvalidThreshold error raised by the DPKI contract.
type DPKIInvalidThreshold struct {
	Kind      uint8
	Approvals uint8
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidThreshold(uint8 kind, uint8 approvals)
func DPKIInvalidThresholdErrorID() common.Hash {
	return common.HexToHash("0xe472b16015dd7fb2ea9a1ed676e89834fdbe52fab32f823d09bb85548414bcf8")
}

// UnpackInvalidThresholdError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidThreshold(uint8 kind, uint8 approvals)
func (dPKI *DPKI) UnpackInvalidThresholdError(raw []byte) (*DPKIInvalidThreshold, error) {
	out := new(DPKIInvalidThreshold)
	if err := dPKI.abi.UnpackIntoInterface(out, "InvalidThreshold", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIInvalidWindow represents a InvalidWindow error raised by the DPKI contract.
type DPKIInvalidWindow struct {
	From  *big.Int
	Until *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidWindow(uint40 from, uint40 until)
func DPKIInvalidWindowErrorID() common.Hash {
	return common.HexToHash("0x9b86885da456898253c09364ca2799436f05dbadb38ca49b18598ae69c715ff0")
}

// UnpackInvalidWindowError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidWindow(uint40 from, uint40 until)
func (dPKI *DPKI) UnpackInvalidWindowError(raw []byte) (*DPKIInvalidWindow, error) {
	out := new(DPKIInvalidWindow)
	if err := dPKI.abi.UnpackIntoInterface(out, "InvalidWindow", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIMalformedChanges represents a MalformedChanges error raised by the DPKI contract.
type DPKIMalformedChanges struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error MalformedChanges()
func DPKIMalformedChangesErrorID() common.Hash {
	return common.HexToHash("0x28b1fe574cd51143aa798ea524bdf5280ccb95ef1c7e59482abf6d1d24d78baf")
}

// UnpackMalformedChangesError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error MalformedChanges()
func (dPKI *DPKI) UnpackMalformedChangesError(raw []byte) (*DPKIMalformedChanges, error) {
	out := new(DPKIMalformedChanges)
	if err := dPKI.abi.UnpackIntoInterface(out, "MalformedChanges", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKINoRecovery represents a NoRecovery error raised by the DPKI contract.
type DPKINoRecovery struct {
	Subject [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NoRecovery(bytes32 subject)
func DPKINoRecoveryErrorID() common.Hash {
	return common.HexToHash("0x24fda4b887a3a63897f65b9d467945e0df0713237e6c159ab4584f42274590a9")
}

// UnpackNoRecoveryError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NoRecovery(bytes32 subject)
func (dPKI *DPKI) UnpackNoRecoveryError(raw []byte) (*DPKINoRecovery, error) {
	out := new(DPKINoRecovery)
	if err := dPKI.abi.UnpackIntoInterface(out, "NoRecovery", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKINotAdmin represents a NotAdmin error raised by the DPKI contract.
type DPKINotAdmin struct {
	Admin [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotAdmin(bytes32 admin)
func DPKINotAdminErrorID() common.Hash {
	return common.HexToHash("0xba963c126be3e9aa0d0ce0e5b17ed463708e34f651ae714324f2125ebba40c36")
}

// UnpackNotAdminError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotAdmin(bytes32 admin)
func (dPKI *DPKI) UnpackNotAdminError(raw []byte) (*DPKINotAdmin, error) {
	out := new(DPKINotAdmin)
	if err := dPKI.abi.UnpackIntoInterface(out, "NotAdmin", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKINotAllowed represents a NotAllowed error raised by the DPKI contract.
type DPKINotAllowed struct {
	Action uint8
	Kind   uint8
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotAllowed(uint8 action, uint8 kind)
func DPKINotAllowedErrorID() common.Hash {
	return common.HexToHash("0xe24d64b9ef1c1a287141629350cd69eddcf9285c934ac809562a2800e37adcae")
}

// UnpackNotAllowedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotAllowed(uint8 action, uint8 kind)
func (dPKI *DPKI) UnpackNotAllowedError(raw []byte) (*DPKINotAllowed, error) {
	out := new(DPKINotAllowed)
	if err := dPKI.abi.UnpackIntoInterface(out, "NotAllowed", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKINotGuardians represents a NotGuardians error raised by the DPKI contract.
type DPKINotGuardians struct {
	Subject [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotGuardians(bytes32 subject)
func DPKINotGuardiansErrorID() common.Hash {
	return common.HexToHash("0x357d867e8bb914d081a46c256b6a38c1dad712046e62477e2d7fbed1e90b8919")
}

// UnpackNotGuardiansError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotGuardians(bytes32 subject)
func (dPKI *DPKI) UnpackNotGuardiansError(raw []byte) (*DPKINotGuardians, error) {
	out := new(DPKINotGuardians)
	if err := dPKI.abi.UnpackIntoInterface(out, "NotGuardians", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKINotRevocable represents a NotRevocable error raised by the DPKI contract.
type DPKINotRevocable struct {
	Kind uint8
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotRevocable(uint8 kind)
func DPKINotRevocableErrorID() common.Hash {
	return common.HexToHash("0xb809513fc1f29dbe6f5c2b3ff4364cd58ecf8a285153317c506c16f1c7aa008c")
}

// UnpackNotRevocableError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotRevocable(uint8 kind)
func (dPKI *DPKI) UnpackNotRevocableError(raw []byte) (*DPKINotRevocable, error) {
	out := new(DPKINotRevocable)
	if err := dPKI.abi.UnpackIntoInterface(out, "NotRevocable", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKINotVetoable represents a NotVetoable error raised by the DPKI contract.
type DPKINotVetoable struct {
	Subject [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotVetoable(bytes32 subject)
func DPKINotVetoableErrorID() common.Hash {
	return common.HexToHash("0xc3d586c057bc33090d9d82354a5c7db451201c617faeed8efdd9f659cdb3a760")
}

// UnpackNotVetoableError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotVetoable(bytes32 subject)
func (dPKI *DPKI) UnpackNotVetoableError(raw []byte) (*DPKINotVetoable, error) {
	out := new(DPKINotVetoable)
	if err := dPKI.abi.UnpackIntoInterface(out, "NotVetoable", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIOrganisationExists represents a OrganisationExists error raised by the DPKI contract.
type DPKIOrganisationExists struct {
	Org [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error OrganisationExists(bytes32 org)
func DPKIOrganisationExistsErrorID() common.Hash {
	return common.HexToHash("0xd6e148cc264c1d0f55401ea5f55970ff49214519a623d8aebec234becf8caad0")
}

// UnpackOrganisationExistsError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error OrganisationExists(bytes32 org)
func (dPKI *DPKI) UnpackOrganisationExistsError(raw []byte) (*DPKIOrganisationExists, error) {
	out := new(DPKIOrganisationExists)
	if err := dPKI.abi.UnpackIntoInterface(out, "OrganisationExists", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIOrganisationScopeOnly represents a OrganisationScopeOnly error raised by the DPKI contract.
type DPKIOrganisationScopeOnly struct {
	Kind uint8
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error OrganisationScopeOnly(uint8 kind)
func DPKIOrganisationScopeOnlyErrorID() common.Hash {
	return common.HexToHash("0xdd27990b44b398cf0cdc65ad9b017087ca856674c53eb937f6b5967aa9d64efc")
}

// UnpackOrganisationScopeOnlyError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error OrganisationScopeOnly(uint8 kind)
func (dPKI *DPKI) UnpackOrganisationScopeOnlyError(raw []byte) (*DPKIOrganisationScopeOnly, error) {
	out := new(DPKIOrganisationScopeOnly)
	if err := dPKI.abi.UnpackIntoInterface(out, "OrganisationScopeOnly", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIOutOfReach represents a OutOfReach error raised by the DPKI contract.
type DPKIOutOfReach struct {
	Scope [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error OutOfReach(bytes32 scope)
func DPKIOutOfReachErrorID() common.Hash {
	return common.HexToHash("0xda69b967b4e43349247f1cb2077e32d2526b72be297c31226d8a6b67ca54db5d")
}

// UnpackOutOfReachError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error OutOfReach(bytes32 scope)
func (dPKI *DPKI) UnpackOutOfReachError(raw []byte) (*DPKIOutOfReach, error) {
	out := new(DPKIOutOfReach)
	if err := dPKI.abi.UnpackIntoInterface(out, "OutOfReach", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIRootExists represents a RootExists error raised by the DPKI contract.
type DPKIRootExists struct {
	Account common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error RootExists(address account)
func DPKIRootExistsErrorID() common.Hash {
	return common.HexToHash("0xe0386454edc4564241b9637e89fd6ea6d35220c8015345f3cd3f5a69cf3420c6")
}

// UnpackRootExistsError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error RootExists(address account)
func (dPKI *DPKI) UnpackRootExistsError(raw []byte) (*DPKIRootExists, error) {
	out := new(DPKIRootExists)
	if err := dPKI.abi.UnpackIntoInterface(out, "RootExists", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIRootProtected represents a RootProtected error raised by the DPKI contract.
type DPKIRootProtected struct {
	Subject [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error RootProtected(bytes32 subject)
func DPKIRootProtectedErrorID() common.Hash {
	return common.HexToHash("0x645c277222935cf31ba395f03772b493ee30248e46e605011e8643aeb3b710a2")
}

// UnpackRootProtectedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error RootProtected(bytes32 subject)
func (dPKI *DPKI) UnpackRootProtectedError(raw []byte) (*DPKIRootProtected, error) {
	out := new(DPKIRootProtected)
	if err := dPKI.abi.UnpackIntoInterface(out, "RootProtected", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKISubjectUsed represents a SubjectUsed error raised by the DPKI contract.
type DPKISubjectUsed struct {
	Subject [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SubjectUsed(bytes32 subject)
func DPKISubjectUsedErrorID() common.Hash {
	return common.HexToHash("0x2745c203ca275859e7410c3f981f3b1c975858a2fc4155ce79aa7693177c1da2")
}

// UnpackSubjectUsedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SubjectUsed(bytes32 subject)
func (dPKI *DPKI) UnpackSubjectUsedError(raw []byte) (*DPKISubjectUsed, error) {
	out := new(DPKISubjectUsed)
	if err := dPKI.abi.UnpackIntoInterface(out, "SubjectUsed", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKITooEarly represents a TooEarly error raised by the DPKI contract.
type DPKITooEarly struct {
	From *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error TooEarly(uint40 from)
func DPKITooEarlyErrorID() common.Hash {
	return common.HexToHash("0xaa72ab2ae76cc55cf8f677800fa3713c5e55796dc97f5d330ef82c94d376802d")
}

// UnpackTooEarlyError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error TooEarly(uint40 from)
func (dPKI *DPKI) UnpackTooEarlyError(raw []byte) (*DPKITooEarly, error) {
	out := new(DPKITooEarly)
	if err := dPKI.abi.UnpackIntoInterface(out, "TooEarly", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIUnknownAction represents a UnknownAction error raised by the DPKI contract.
type DPKIUnknownAction struct {
	Action uint8
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error UnknownAction(uint8 action)
func DPKIUnknownActionErrorID() common.Hash {
	return common.HexToHash("0x60df9f87e18478d23de0310fcb754e39051470c0e95e401f5bfc8087e3b3af92")
}

// UnpackUnknownActionError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error UnknownAction(uint8 action)
func (dPKI *DPKI) UnpackUnknownActionError(raw []byte) (*DPKIUnknownAction, error) {
	out := new(DPKIUnknownAction)
	if err := dPKI.abi.UnpackIntoInterface(out, "UnknownAction", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// DPKIUnknownKind represents a UnknownKind error raised by the DPKI contract.
type DPKIUnknownKind struct {
	Kind uint8
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error UnknownKind(uint8 kind)
func DPKIUnknownKindErrorID() common.Hash {
	return common.HexToHash("0xbd3c90894f7b5a9cce89be28990c5c48eeecbdbc851f01ad4d59a4a38d093e0b")
}

// UnpackUnknownKindError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error UnknownKind(uint8 kind)
func (dPKI *DPKI) UnpackUnknownKindError(raw []byte) (*DPKIUnknownKind, error) {
	out := new(DPKIUnknownKind)
	if err := dPKI.abi.UnpackIntoInterface(out, "UnknownKind", raw); err != nil {
		return nil, err
	}
	return out, nil
}
