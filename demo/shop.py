"""What the demo shop sells: each piece with its drawing, its board and its catalogue row."""

from collections.abc import Callable
from dataclasses import dataclass

from demo import pieces
from demo.canvas import Canvas


@dataclass(frozen=True, slots=True)
class Frame:
    """The board of a piece: mm, and pixels a mm of the finished overlay."""

    width: float
    height: float
    px_per_mm: float
    top: float = -6.0


@dataclass(frozen=True, slots=True)
class Listing:
    """One row of the catalogue."""

    name: str
    description: str
    price: str
    availability: str
    category: str
    specifications: str
    sku: str
    product_type: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Piece:
    """ends: half the distance between the two ends of a necklace, mm; None for other kinds."""

    file: str
    draw: Callable[[Canvas], None]
    frame: Frame
    ends: float | None
    listing: Listing


PIECES = (
    Piece(
        "gold-pendant-chain",
        pieces.gold_pendant_chain,
        Frame(136, 134, 5.5),
        62.0,
        Listing(
            "Anaya Gold Chain with Ruby Pendant",
            "Anaya twisted rope chain with a drop pendant of ruby, 22k gold",
            "₹1,48,500",
            "In Stock",
            "Gold",
            "Material: 22k Gold; Weight: 14.2 g; Dimensions: 45 cm; Gemstone: Ruby",
            "KUN-NK-001",
            "necklace",
            12,
        ),
    ),
    Piece(
        "pearl-strand",
        pieces.pearl_strand,
        Frame(140, 92, 5.5),
        61.0,
        Listing(
            "Moti Pearl Strand",
            "Moti graduated strand of freshwater pearls with a silver clasp",
            "₹38,900",
            "In Stock",
            "Silver",
            "Material: 925 Silver; Weight: 41 g; Dimensions: 43 cm; Gemstone: Freshwater Pearl",
            "KUN-NK-002",
            "necklace",
            20,
        ),
    ),
    Piece(
        "kundan-bib",
        pieces.kundan_bib,
        Frame(160, 110, 5.0),
        60.0,
        Listing(
            "Rajwadi Kundan Necklace",
            "Rajwadi bridal necklace: kundan-set polki, rubies, an emerald drop and pearls",
            "₹6,75,000",
            "Limited Stock",
            "Gold",
            "Material: 22k Gold; Weight: 96 g; Dimensions: 120 x 92 mm; Gemstone: Polki and Ruby",
            "KUN-NK-003",
            "necklace",
            2,
        ),
    ),
    Piece(
        "temple-haram",
        pieces.temple_haram,
        Frame(150, 182, 5.0),
        64.0,
        Listing(
            "Meenakshi Temple Haram",
            "Meenakshi long haram of lotus coins with a ruby pendant, temple work",
            "₹9,20,000",
            "In Stock",
            "Gold",
            "Material: 22k Gold; Weight: 138 g; Dimensions: 70 cm; Gemstone: Ruby and Emerald",
            "KUN-NK-004",
            "necklace",
            3,
        ),
    ),
    Piece(
        "diamond-solitaire",
        pieces.diamond_solitaire,
        Frame(128, 106, 6.0),
        59.0,
        Listing(
            "Tara Solitaire Pendant",
            "Tara brilliant of 1.2 ct in four claws on a fine platinum chain",
            "₹2,99,999",
            "In Stock",
            "Platinum",
            "Material: Platinum 950; Weight: 5.1 g; Dimensions: 42 cm; Gemstone: Diamond 1.2 ct",
            "KUN-NK-005",
            "pendant",
            6,
        ),
    ),
    Piece(
        "emerald-choker",
        pieces.emerald_choker,
        Frame(136, 62, 6.0),
        58.0,
        Listing(
            "Panna Diamond Choker",
            "Panna choker: marquise emeralds between two rows of diamonds",
            "₹7,49,000",
            "Limited Stock",
            "Diamond",
            "Material: 18k White Gold; Weight: 52 g; Dimensions: 116 x 50 mm; Gemstone: Emerald",
            "KUN-NK-006",
            "necklace",
            2,
        ),
    ),
    Piece(
        "mangalsutra",
        pieces.mangalsutra,
        Frame(136, 128, 5.5),
        61.0,
        Listing(
            "Saubhagya Mangalsutra",
            "Saubhagya mangalsutra: two rows of black beads with gold vatis",
            "₹84,250",
            "In Stock",
            "Gold",
            "Material: 22k Gold; Weight: 9.8 g; Dimensions: 46 cm; Gemstone: Black Beads",
            "KUN-NK-007",
            "mangalsutra",
            15,
        ),
    ),
    Piece(
        "oxidised-collar",
        pieces.oxidised_collar,
        Frame(144, 90, 5.5),
        60.0,
        Listing(
            "Banjara Oxidised Necklace",
            "Banjara necklace of oxidised silver leaves with coloured stones",
            "₹7,850",
            "In Stock",
            "Silver",
            "Material: 925 Silver; Weight: 38 g; Dimensions: 44 cm; Gemstone: Sapphire and Ruby",
            "KUN-NK-008",
            "necklace",
            30,
        ),
    ),
    Piece(
        "panna-set",
        pieces.panna_set,
        Frame(136, 112, 5.0),
        59.0,
        Listing(
            "Panna Bridal Set",
            "Panna set of necklace and earrings: emerald drops under a line of diamonds",
            "₹11,25,000",
            "Limited Stock",
            "Gold",
            "Material: 18k Gold; Weight: 74 g; Dimensions: 118 x 70 mm; Gemstone: Emerald",
            "KUN-ST-001",
            "set",
            1,
        ),
    ),
    Piece(
        "jhumka-earrings",
        pieces.jhumka_pair,
        Frame(56, 44, 9.0, -3.0),
        None,
        Listing(
            "Devi Jhumka Earrings",
            "Devi pair of jhumkas: ruby flowers over granulated bells with pearls",
            "₹1,12,000",
            "In Stock",
            "Gold",
            "Material: 22k Gold; Weight: 24 g; Dimensions: 34 x 21 mm; Gemstone: Ruby and Pearl",
            "KUN-ER-001",
            "earrings",
            8,
        ),
    ),
    Piece(
        "diamond-studs",
        pieces.diamond_studs,
        Frame(26, 16, 14.0, -3.0),
        None,
        Listing(
            "Nakshatra Diamond Studs",
            "Nakshatra pair of halo studs, 1.0 ct in all",
            "₹1,85,000",
            "In Stock",
            "Diamond",
            "Material: 18k White Gold; Weight: 4.6 g; Dimensions: 9 mm; Gemstone: Diamond 1.0 ct",
            "KUN-ER-002",
            "earrings",
            10,
        ),
    ),
    Piece(
        "pearl-drops",
        pieces.pearl_drops,
        Frame(32, 32, 13.0, -3.0),
        None,
        Listing(
            "Chandni Pearl Drops",
            "Chandni pair of pearl drops on a line of zircons",
            "₹14,600",
            "Pre-order",
            "Silver",
            "Material: 925 Silver; Weight: 8.4 g; Dimensions: 25 x 9 mm; Gemstone: Pearl",
            "KUN-ER-003",
            "earrings",
            0,
        ),
    ),
    Piece(
        "solitaire-ring",
        pieces.solitaire_ring,
        Frame(26, 32, 18.0, -4.0),
        None,
        Listing(
            "Ekta Solitaire Ring",
            "Ekta ring with an oval diamond of 1.5 ct",
            "₹2,49,999",
            "In Stock",
            "Platinum",
            "Material: Platinum 950; Weight: 4.9 g; Dimensions: Size 14; Gemstone: Diamond 1.5 ct",
            "KUN-RG-001",
            "ring",
            5,
        ),
    ),
    Piece(
        "gold-bangles",
        pieces.gold_bangle,
        Frame(74, 46, 9.0, -3.0),
        None,
        Listing(
            "Lakshmi Gold Bangles",
            "Lakshmi pair of bangles with a line of rubies",
            "₹2,18,000",
            "Out of Stock",
            "Gold",
            "Material: 22k Gold; Weight: 32 g; Dimensions: 2.6 inch; Gemstone: Ruby",
            "KUN-BG-001",
            "bangle",
            0,
        ),
    ),
    Piece(
        "flower-nose-pin",
        pieces.flower_nose_pin,
        Frame(12, 12, 30.0, -2.0),
        None,
        Listing(
            "Juhi Flower Nose Pin",
            "Juhi nose pin: six diamonds round a ruby",
            "₹16,400",
            "In Stock",
            "Diamond",
            "Material: 18k Gold; Weight: 0.6 g; Dimensions: 6 mm; Gemstone: Diamond and Ruby",
            "KUN-NP-001",
            "nose_pin",
            25,
        ),
    ),
    Piece(
        "pearl-nath",
        pieces.pearl_nath,
        Frame(26, 32, 16.0, -3.0),
        None,
        Listing(
            "Paithani Pearl Nath",
            "Paithani nath: a hoop of gold wire with pearls and a ruby drop",
            "₹24,900",
            "In Stock",
            "Gold",
            "Material: 22k Gold; Weight: 2.1 g; Dimensions: 20 x 25 mm; Gemstone: Pearl and Ruby",
            "KUN-NP-002",
            "nose_pin",
            9,
        ),
    ),
    Piece(
        "kundan-tikka",
        pieces.kundan_tikka,
        Frame(28, 118, 8.0, -4.0),
        None,
        Listing(
            "Rajwadi Maang Tikka",
            "Rajwadi maang tikka: polki flower with an emerald heart, pearls and a ruby drop",
            "₹68,500",
            "In Stock",
            "Gold",
            "Material: 22k Gold; Weight: 11 g; Dimensions: 110 x 20 mm; Gemstone: Polki and Ruby",
            "KUN-MT-001",
            "maang_tikka",
            7,
        ),
    ),
)
