package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority is a certificate with its key.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// usualTLS is the server's side of what most public endpoints show: a P-256 leaf
// with proofs of its transparency under an RSA intermediate. This process
// trusts its root from now on, as every program that uses the system's roots
// does; it must have asked for none yet.
func usualTLS(s *stage) *tls.Config {
	root := issue(s, nil, &x509.Certificate{Subject: pkix.Name{CommonName: "bench root"}, IsCA: true})
	middle := issue(s, root, &x509.Certificate{Subject: pkix.Name{Organization: []string{"Usual Authority"}, CommonName: "U1", Country: []string{"ZZ"}}, IsCA: true})
	leaf := issue(s, middle, &x509.Certificate{
		Subject: pkix.Name{CommonName: "rpc.example.org"}, DNSNames: []string{"rpc.example.org", "*.rpc.example.org"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, OCSPServer: []string{"http://o.authority.example"},
		IssuingCertificateURL: []string{"http://i.authority.example/"}, CRLDistributionPoints: []string{"http://c.authority.example/19.crl"},
		// The size of two signed certificate timestamps (RFC 6962).
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: append([]byte{4, 0x81, 0xf2}, noise(s, 242)...)}},
	})
	path := filepath.Join(s.TempDir(), "root.pem")
	s.must(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.cert.Raw}), 0o600))
	s.must(os.Setenv("SSL_CERT_FILE", path))
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.cert.Raw, middle.cert.Raw}, PrivateKey: leaf.key}},
		NextProtos:   []string{"h2", "http/1.1"},
	}
}

// issue makes a key and its certificate, RSA for authorities.
func issue(s *stage, by *authority, template *x509.Certificate) *authority {
	template.SerialNumber = new(big.Int).SetBytes(noise(s, 16))
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	template.BasicConstraintsValid = true
	made := &authority{}
	var err error
	if template.IsCA {
		template.KeyUsage = x509.KeyUsageCertSign
		made.key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		made.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	s.must(err)
	if by == nil {
		by = &authority{template, made.key}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, by.cert, made.key.Public(), by.key)
	s.must(err)
	made.cert, err = x509.ParseCertificate(raw)
	s.must(err)
	return made
}

func noise(s *stage, n int) []byte {
	b := make([]byte, n)
	_, err := rand.Read(b)
	s.must(err)
	return b
}
