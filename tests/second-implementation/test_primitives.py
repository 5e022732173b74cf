"""What `cryptography` can do itself, against what this implementation does by hand."""

import unittest

from cryptography.hazmat.primitives import hashes, hpke as theirs
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from sotto import hpke, points, signatures
from sotto.errors import Refused
from sotto.primitives import label, system_randomness


class Signatures(unittest.TestCase):
    """Section 1.3."""

    def test_without_extra_bytes_it_is_plain_rfc_6979(self) -> None:
        plain = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        for count in range(8):
            private = points.generate(system_randomness)
            data = bytes(count)
            r, s = decode_dss_signature(points.private_key(private).sign(label("bundle", data), plain))
            wanted = r.to_bytes(32, "big") + min(s, points.ORDER - s).to_bytes(32, "big")
            self.assertEqual(signatures.sign(private, "bundle", data, b""), wanted)

    def test_only_the_low_s_verifies(self) -> None:
        private = points.generate(system_randomness)
        public = points.public_of(private)
        signature = signatures.sign(private, "bundle", b"data", bytes(32))
        signatures.verify(public, "bundle", b"data", signature)
        high = signature[:32] + (points.ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
        for kind, data, wrong in (("bundle", b"data", high), ("bundle", b"date", signature),
                                  ("device-list", b"data", signature), ("bundle", b"data", signature[:63])):
            with self.assertRaises(Refused):
                signatures.verify(public, kind, data, wrong)


class Hpke(unittest.TestCase):
    """RFC 9180 in base mode, against the library's, which knows no AAD."""

    SUITE = theirs.Suite(theirs.KEM.P256, theirs.KDF.HKDF_SHA256, theirs.AEAD.AES_256_GCM)

    def setUp(self) -> None:
        self.private = points.generate(system_randomness)

    def test_the_library_opens_what_is_sealed_here(self) -> None:
        ephemeral = hpke.derive_key_pair(system_randomness(32))
        enc, sealed = hpke.seal(points.public_of(self.private), ephemeral, b"info", b"", b"words")
        self.assertEqual(self.SUITE.decrypt(enc + sealed, points.private_key(self.private), b"info"), b"words")

    def test_what_the_library_seals_opens_here(self) -> None:
        sealed = self.SUITE.encrypt(b"words", points.private_key(self.private).public_key(), b"info")
        enc, rest = sealed[:hpke.ENC_LENGTH], sealed[hpke.ENC_LENGTH:]
        self.assertEqual(hpke.open_(self.private, enc, b"info", b"", rest), b"words")


if __name__ == "__main__":
    unittest.main()
