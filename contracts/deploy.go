package contracts

import "dpki/state"

// Proxy is the usual deterministic deployment proxy
// (github.com/Arachnid/deterministic-deployment-proxy), which stands at this
// address on most chains: called with salt | init code it creates by CREATE2.
var proxy = state.Address{
	0x4e, 0x59, 0xb4, 0x48, 0x47, 0xb3, 0x79, 0x57, 0x85, 0x88,
	0x92, 0x0c, 0xa7, 0x8f, 0xbf, 0x26, 0xc0, 0xb4, 0x95, 0x6c,
}

// Deployment is one transaction: send Data to To, and the contract stands at
// Contract. Sent twice, the second fails and changes nothing.
type Deployment struct {
	To       state.Address
	Data     []byte
	Contract state.Address
}

// Deterministic is the deployment that gives the contract the same address on
// every chain that has the proxy. Its salt is zero.
func Deterministic() Deployment {
	init := InitCode()
	var salt state.Word
	hash := state.Keccak256(init)
	word := state.Keccak256([]byte{0xff}, proxy[:], salt[:], hash[:])
	d := Deployment{To: proxy, Data: append(salt[:], init...)}
	copy(d.Contract[:], word[12:])
	return d
}
