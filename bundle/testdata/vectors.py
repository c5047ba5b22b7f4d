#!/usr/bin/env python3
"""Writes vectors.json: the formats of docs/formats.md sections 1, 5, 6 and 7
once more, in Python and its standard library only, from the text and not from
the Go code. bundle/vectors_test.go compares.

    cd bundle/testdata && python3 vectors.py
"""
import base64, hashlib, hmac, json, struct

# --- primitives, from their specifications -----------------------------------

def keccak256(data):
    """Keccak[c=512] with the padding of before FIPS 202."""
    def rol(v, n):
        return ((v << n) | (v >> (64 - n))) & (2**64 - 1) if n else v
    rc, lfsr = [], 1
    for _ in range(24):
        c = 0
        for j in range(7):
            if lfsr & 1:
                c |= 1 << (2**j - 1)
            lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)
        rc.append(c)
    state = [[0] * 5 for _ in range(5)]
    data = bytearray(data) + b"\x01" + bytes(-(len(data) + 1) % 136)
    data[-1] |= 0x80
    for off in range(0, len(data), 136):
        for i in range(17):
            state[i % 5][i // 5] ^= struct.unpack_from("<Q", data, off + 8 * i)[0]
        for r in range(24):
            c = [state[x][0] ^ state[x][1] ^ state[x][2] ^ state[x][3] ^ state[x][4] for x in range(5)]
            d = [c[(x - 1) % 5] ^ rol(c[(x + 1) % 5], 1) for x in range(5)]
            state = [[state[x][y] ^ d[x] for y in range(5)] for x in range(5)]
            x, y, cur = 1, 0, state[1][0]
            for t in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                cur, state[x][y] = state[x][y], rol(cur, (t + 1) * (t + 2) // 2 % 64)
            for y in range(5):
                row = [state[x][y] for x in range(5)]
                for x in range(5):
                    state[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]) & (2**64 - 1)
            state[0][0] ^= rc[r]
    return b"".join(struct.pack("<Q", state[i % 5][i // 5]) for i in range(4))

def hkdf(secret, info):
    prk = hmac.digest(bytes(32), secret, "sha256")  # RFC 5869: no salt = zeros
    return hmac.digest(prk, info + b"\x01", "sha256")

def chacha_rounds(words):
    s = list(words)
    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xffffffff
            v = s[z] ^ s[x]
            s[z] = ((v << n) | (v >> (32 - n))) & 0xffffffff
    for _ in range(10):
        for q in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                  (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(*q)
    return s

SIGMA = struct.unpack("<4I", b"expand 32-byte k")

def xchacha20poly1305(key, nonce, plain, aad):
    s = chacha_rounds(SIGMA + struct.unpack("<8I", key) + struct.unpack("<4I", nonce[:16]))
    sub = tuple(s[0:4] + s[12:16])  # HChaCha20
    iv = (0,) + struct.unpack("<2I", nonce[16:])
    def block(n):
        start = SIGMA + sub + (n,) + iv
        return struct.pack("<16I", *((a + b) & 0xffffffff for a, b in zip(start, chacha_rounds(start))))
    stream = b"".join(block(1 + i) for i in range((len(plain) + 63) // 64))
    cipher = bytes(a ^ b for a, b in zip(plain, stream))
    one = block(0)[:32]
    r = int.from_bytes(one[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    pad = lambda b: b + bytes(-len(b) % 16)
    message = pad(aad) + pad(cipher) + struct.pack("<QQ", len(aad), len(cipher))
    acc = 0
    for i in range(0, len(message), 16):
        acc = (acc + int.from_bytes(message[i:i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    tag = (acc + int.from_bytes(one[16:], "little")) % 2**128
    return cipher + tag.to_bytes(16, "little")

def ed25519_sign(seed, message):
    """RFC 8032, affine and slow."""
    q, l = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, -1, q) % q
    def add(p, o):
        k = d * p[0] * o[0] * p[1] * o[1] % q
        return ((p[0] * o[1] + o[0] * p[1]) * pow(1 + k, -1, q) % q, (p[1] * o[1] + p[0] * o[0]) * pow(1 - k, -1, q) % q)
    def mul(p, n):
        out = (0, 1)
        while n:
            if n & 1:
                out = add(out, p)
            p, n = add(p, p), n >> 1
        return out
    def enc(p):
        return (p[1] | (p[0] & 1) << 255).to_bytes(32, "little")
    base = (15112221349535400772501151409588531511454012693041857206046113283949847762202, 4 * pow(5, -1, q) % q)
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & ((1 << 254) - 8) | 1 << 254
    public = enc(mul(base, a))
    n = int.from_bytes(hashlib.sha512(h[32:] + message).digest(), "little") % l
    big_r = enc(mul(base, n))
    k = int.from_bytes(hashlib.sha512(big_r + public + message).digest(), "little")
    return public, big_r + ((n + k * a) % l).to_bytes(32, "little")

def sha(b):
    return hashlib.sha256(b).digest()

# known answers, so that a slip above is not taken for a slip in the Go code
assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
assert ed25519_sign(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"), b"")[1].hex().startswith("e5564300c360ac729086e2cc806e828a")
assert xchacha20poly1305(bytes(range(0x80, 0xa0)), bytes(range(0x40, 0x58)), b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
                         bytes.fromhex("50515253c0c1c2c3c4c5c6c7"))[-16:].hex() == "c0875924c1c7987947deafd8780acf49"

# --- the formats ----------------------------------------------------------------

def tag32(s):
    return s.encode().ljust(32, b"\0")

chain, contract, org = 31337, bytes(range(1, 21)), sha(b"organisation")
body = f"dpki:eip155:{chain}:{contract.hex()}:{org.hex()}:1"
anchor = body + "-" + sha(body.encode())[:4].hex()
zone_salt = sha(b"zone salt")
zone = keccak256(tag32("Z") + org + zone_salt)
secret = sha(b"mailbox secret")
commitment = sha(b"dpki/mailbox/1" + secret)
mailbox = keccak256(tag32("D") + zone + commitment)
mailbox_key = hkdf(secret, b"dpki/mailbox-key/1" + mailbox)

def tag(secret, subject, part):
    return hmac.digest(secret, b"dpki/tag/1" + subject + struct.pack(">H", part), "sha256")[:16]

def sealed(scope, scope_key, key_id, kind, subject, start, until, payload):
    k = hkdf(scope_key, b"dpki/entry/1" + subject)
    size = next(n for n in (128, 256, 512) if len(payload) < n)
    plain = (payload + b"\x80").ljust(size, b"\0")
    aad = struct.pack(">H", len(anchor)) + anchor.encode() + scope + bytes([kind]) + subject + start.to_bytes(5, "big") + until.to_bytes(5, "big")
    data = b"\x01" + struct.pack(">I", key_id) + sha(k) + xchacha20poly1305(k, bytes(24), plain, aad)
    return {"scope": scope.hex(), "scope_key": base64.b64encode(scope_key).decode(), "key_id": key_id, "kind": kind,
            "subject": subject.hex(), "from": start, "until": until, "payload": payload.hex(),
            "entry_key": base64.b64encode(k).decode(), "data": data.hex()}

def cid(b):
    return "b" + base64.b32encode(b"\x01\x55\x12\x20" + sha(b)).decode().rstrip("=").lower()

def batch(count, leaves, written):
    """Bundles 0 .. count-1 of one recipient. A leaf holds at most 1,024. Where written is false a
    writer would choose fewer leaves, and readers must cope: there the root has an empty leaf."""
    refs = [(tag(secret, subject, i), sha(struct.pack(">H", i))) for i in range(count)]
    digests, root = [], b"DPKIROOT\x01"
    for i in range(leaves):
        line = sorted(r for r in refs if int.from_bytes(r[0][:8], "big") * leaves >> 64 == i)
        leaf = b"DPKILEAF\x01" + b"".join(t + d for t, d in line)
        digests.append(sha(leaf) if line else bytes(32))
        root += digests[-1]
    return {"count": count, "leaves": leaves, "written": written, "leaf_digests": [d.hex() for d in digests], "entry_data": "01" + sha(root).hex()}

def ssh_ed25519(public):
    blob = b"".join(struct.pack(">I", len(f)) + f for f in (b"ssh-ed25519", public))
    return "ssh-ed25519 " + base64.b64encode(blob).decode()

def request(name, host_key):
    recipient = open("recipient.txt").read().strip()
    seed, nonce = sha(b"signing seed"), sha(b"nonce")[:16]
    signing_key = ssh_ed25519(ed25519_sign(seed, b"")[0])
    signed = b"dpki/enroll/1"
    for field in (anchor.encode(), name.encode(), recipient.encode(), signing_key.encode(), host_key.encode(), commitment, nonce):
        signed += struct.pack(">H", len(field)) + field
    digest = sha(signed)
    signature = ed25519_sign(seed, digest)[1]
    print_ = base64.b32encode(sha(digest + signature)).decode().lower()
    return {"json": {"version": 1, "anchor": anchor, "name": name, "recipient": recipient, "signing_key": signing_key,
                     "host_key": host_key, "mailbox_secret": base64.b64encode(secret).decode(),
                     "nonce": base64.b64encode(nonce).decode(), "signature": base64.b64encode(signature).decode()},
            "fingerprint": "-".join(print_[i:i + 5] for i in range(0, 20, 5))}

subject = sha(b"subject")
key = sha(b"zone key")
never = 2**40 - 1
vectors = {
    "anchor": anchor, "chain_id": chain, "contract": "0x" + contract.hex(), "organisation": org.hex(),
    "zone_salt": zone_salt.hex(), "zone": zone.hex(),
    "batch_subject": subject.hex(),
    "mailbox": {"secret": base64.b64encode(secret).decode(), "commitment": commitment.hex(), "scope": mailbox.hex(),
                "key": base64.b64encode(mailbox_key).decode()},
    "tags": [{"subject": subject.hex(), "part": p, "tag": tag(secret, subject, p).hex()} for p in (0, 1, 65535)],
    "sealed": [
        sealed(zone, key, 1, 22, subject, 1700000000, 1700000300, b"\x01" + bytes(range(100))),
        sealed(zone, key, 4294967295, 17, sha(b"2"), 0, never - 1, b""),
        sealed(mailbox, mailbox_key, 0, 21, sha(b"3"), 1700000000, 1700000001, bytes(127)),
        sealed(mailbox, mailbox_key, 0, 23, sha(b"4"), 1, 2, b"\x80" * 128),
        sealed(org, sha(b"org key"), 2, 6, zone, 0, never, b"\xff" * 511),
    ],
    "cids": [{"block": b.hex(), "cid": cid(b)} for b in (b"", b"dpki", bytes(1000))],
    "batches": [batch(1, 1, True), batch(3, 1, True), batch(1000, 1, True), batch(2000, 2, True), batch(3, 5, False)],
    "requests": [request("gate-7", ssh_ed25519(sha(b"host key"))), request("ada", "")],
}
with open("vectors.json", "w") as f:
    json.dump(vectors, f, indent=1)
    f.write("\n")
