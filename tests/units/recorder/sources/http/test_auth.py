"""Answers to challenges, against the examples of the standards."""

from recorder.sources.http.auth import Account, authorization

NONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
DIGEST = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
MUFASA = Account("Mufasa", "Circle of Life")


def test_the_examples_of_rfc_7616_come_out() -> None:
    """Both hashes that cameras may ask for."""
    for algorithm, response in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        said = authorization([DIGEST.format(algorithm)], MUFASA, "GET", "/dir/index.html", NONCE)
        assert said is not None
        assert f'response="{response}"' in said
        assert 'uri="/dir/index.html"' in said
        assert "Circle" not in said


def test_the_better_challenge_is_answered_and_the_unknown_is_not() -> None:
    """Digest before Basic; Basic where Digest asks for what nobody speaks; nothing where nothing fits."""
    both = ['Basic realm="a"', DIGEST.format("MD5")]
    strange = DIGEST.format("SHA-512-256")
    assert (authorization(both, MUFASA, "GET", "/", NONCE) or "").startswith("Digest ")
    assert authorization([strange, 'Basic realm="a"'], MUFASA, "GET", "/", NONCE) == (
        "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl"
    )
    assert authorization(["Negotiate"], MUFASA, "GET", "/", NONCE) is None
    assert authorization([strange], MUFASA, "GET", "/", NONCE) is None


def test_an_old_camera_without_qop_is_answered_in_its_own_way() -> None:
    """RFC 2069, which cheap firmware still speaks."""
    account = Account("Mufasa", "CircleOfLife")
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    said = authorization([challenge], account, "GET", "/dir/index.html", NONCE)
    assert said is not None
    assert "qop" not in said
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in said
