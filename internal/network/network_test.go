package network

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

const good = `version = 1
name = "lisk"
chain_id = 1135
contract = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
contract_version = 1
deploy_block = 12
agree = 2
fee_model = "op-stack"
[[endpoint]]
url = "https://a.example/key"
[[endpoint]]
url = "ws://127.0.0.1:8545"
[[mirror]]
url = "https://m.example"
[[store]]
type = "folder"
path = "/srv/blocks"
[[store]]
type = "gateway"
url = "https://ipfs.example"
[witnesses]
version = 1
agree = 1
[[witness]]
name = "hq"
key = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
url = "https://w.example"
[[witness]]
name = "lab"
key = "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394"
path = "/srv/witness"
`

func TestParseMarshalRoundTrip(t *testing.T) {
	f, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if f.ChainID != 1135 || f.Agree != 2 || len(f.Endpoints) != 2 || len(f.Stores) != 2 || f.FeeModel != OPStack || f.DeployBlock != 12 {
		t.Fatalf("got %+v", f)
	}
	text, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(text)
	if err != nil || !reflect.DeepEqual(f, again) {
		t.Fatalf("got %+v, %v, want %+v\n%s", again, err, f, text)
	}
}

// Each row changes the accepted file above in one place.
func TestParseRefuses(t *testing.T) {
	rows := []struct{ name, old, new, want string }{
		{"unknown field", `deploy_block`, "speed = 1\ndeploy_block", `unknown field`},
		{"unknown field in a table", `type = "gateway"`, "type = \"gateway\"\npin = true", `unknown field`},
		{"version", `version = 1`, `version = 2`, "version must be 1"},
		{"no version", `version = 1`, ``, "version must be 1"},
		{"contract version", `contract_version = 1`, `contract_version = 2`, "contract_version must be 1"},
		{"chain id zero", `1135`, `0`, "chain_id"},
		{"chain id negative", `1135`, `-1`, ""},
		{"checksum", `0x4e59b4`, `0x4E59b4`, "EIP-55"},
		{"short address", `0x4e59b4`, `0x4e59b`, "40 hex digits"},
		{"zero address", `0x4e59b44847b379578588920cA78FbF26c0B4956C`, `0x0000000000000000000000000000000000000000`, "40 hex digits"},
		{"agree above endpoints", `agree = 2`, `agree = 4`, "agree is 4"},
		{"agree zero", `agree = 2`, `agree = 0`, "agree is 0"},
		{"fee model", `"op-stack"`, `"free"`, "fee_model"},
		{"endpoint scheme", `ws://127`, `ftp://127`, "endpoint url"},
		{"mirror scheme", `https://m.`, `ws://m.`, "mirror url"},
		{"endpoint twice", `ws://127.0.0.1:8545`, `https://a.example/key`, "listed twice"},
		{"store type", `"gateway"`, `"ftp"`, "store type"},
		{"folder with url", `path = "/srv/blocks"`, `url = "https://x.example"`, "absolute path"},
		{"relative folder", `/srv/blocks`, `blocks`, "absolute path"},
		{"name", `"lisk"`, `"Lisk main"`, "name"},
		{"no name", `name = "lisk"`, ``, "name"},
		{"type", `chain_id = 1135`, `chain_id = "1135"`, ""},
		{"witnesses of no version", "[witnesses]\nversion = 1", "[witnesses]\nversion = 0", "version is 1 or more"},
		{"more witnesses than there are", `agree = 1`, `agree = 3`, "3 of 2"},
		{"no witness must agree", `agree = 1`, `agree = 0`, "0 of 2"},
		{"witness key", `8a88e3`, `8A88e3`, "witness hq"},
		{"witness twice", `8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394`, `8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c`, "listed twice"},
		{"witness name twice", `"lab"`, `"hq"`, "listed twice"},
		{"witness name", `"lab"`, `"the lab"`, "witness name"},
		{"witness URL", `https://w.`, `ws://w.`, "witness url"},
		{"witness path", `/srv/witness`, `srv/witness`, "absolute"},
		{"witnesses without a set", "[witnesses]\nversion = 1\nagree = 1", "", "without [witnesses]"},
		{"unknown field of witnesses", "[witnesses]", "[witnesses]\nspeed = 1", "unknown field"},
		{"rotation that is none", "[witnesses]", "[witnesses]\nrotations = [\"AAAA\"]", "rotation"},
		{"rotation that is not base64", "[witnesses]", "[witnesses]\nrotations = [\"*\"]", "rotation"},
		{"key twice", `agree = 2`, "agree = 2\nagree = 2", ""},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			text := strings.Replace(good, r.old, r.new, 1)
			if text == good {
				t.Fatal("the row changes nothing")
			}
			_, err := Parse([]byte(text))
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), r.want) {
				t.Errorf("got %v, want %q", err, r.want)
			}
		})
	}
	if _, err := Parse([]byte(strings.Repeat("#", MaxSize+1))); !errors.Is(err, ErrInvalid) {
		t.Errorf("oversized: got %v", err)
	}
}

// The examples of EIP-55 itself.
func TestChecksum(t *testing.T) {
	for _, want := range []string{
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
		"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
	} {
		a, err := parseAddress(want)
		if err != nil || checksummed(a) != want {
			t.Errorf("%s: got %s, %v", want, checksummed(a), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("version = 1\n[[endpoint]]\nurl = 'http://a'"))
	f.Add([]byte("a = [[[[[[[["))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := n.Marshal()
		if err != nil {
			t.Fatalf("a parsed file does not marshal: %v", err)
		}
		back, err := Parse(again)
		if err != nil || !reflect.DeepEqual(n, back) {
			t.Fatalf("got %+v, %v, want %+v", back, err, n)
		}
	})
}
