"""Hand-made H.264 parameter sets, bit by bit as 7.3.2.1 of the standard has them. No codec."""

from collections.abc import Sequence

from recorder.bitstream.nal_units import annex_b


def ue(value: int) -> str:
    """Exp-Golomb bits (9.1)."""
    binary = f"{value + 1:b}"
    return "0" * (len(binary) - 1) + binary


def nal(head: int, bits: str) -> bytes:
    """A NAL unit of a header byte and `bits`, closed by the trailing bits."""
    closed = bits + "1"
    padded = closed + "0" * (-len(closed) % 8)
    return bytes([head]) + int(padded, 2).to_bytes(len(padded) // 8, "big")


def sps(
    profile: int = 77, level: int = 31, number: int = 0, *, frames_only: bool = True, aspect: str = "0"
) -> bytes:
    """An SPS of 160 x 96 pixels. `aspect`: the bits from vui_parameters_present_flag on."""
    high = ue(1) + ue(0) + ue(0) + "00" if profile >= 100 else ""
    size = ue(9) + ue(5 if frames_only else 2) + ("1" if frames_only else "00")
    bits = (
        f"{profile:08b}" + "0" * 8 + f"{level:08b}" + ue(number) + high + ue(0) + ue(2) + ue(1) + "0" + size
    )
    return nal(0x67, bits + "1" + "0" + aspect)


def pps(number: int = 0) -> bytes:
    """A PPS that refers to SPS 0."""
    return nal(0x68, ue(number) + ue(0))


def sets(*nals: bytes, numbers: Sequence[int] = ()) -> bytes:
    """Annex B of these sets, and of a PPS for each of `numbers`."""
    return annex_b([*nals, *(pps(number) for number in numbers)])
