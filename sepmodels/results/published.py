"""What others have published, for orientation beside a table: never measured here.

All are vocals' SDR by museval, median over windows then over the 50 test tracks, as the source states it. A
published figure belongs to the dataset that it was made on, and is shown for no other.
"""

import pandas as pd

SISEC = "Stöter, Liutkus, Ito 2018, The 2018 Signal Separation Evaluation Campaign; from its per-track files"
PUBLISHED_METRIC = "vocals SDR, BSSEval v4, median over windows then over tracks"

_COLUMNS = ("dataset", "system", "low_db", "high_db", "source")
_ROWS = (
    ("musdb18", "A quarter of the mixture as the estimate", 1.12, 1.12, SISEC),  # MIX: over the four sources
    ("musdb18", "IRM1 oracle", 8.52, 8.52, SISEC),
    ("musdb18", "IRM2 oracle", 9.43, 9.43, SISEC),
    ("musdb18", "MWF oracle", 9.13, 9.13, SISEC),
    ("musdb18", "Wave-U-Net, all entries", 3.25, 4.97, SISEC),
    ("musdb18", "UHL2", 5.93, 5.93, SISEC),
    ("musdb18", "TAK1 (extra data)", 6.60, 6.60, SISEC),
    ("musdb18", "Open-Unmix, vocals model alone", 5.42, 5.57, "open-unmix-pytorch, issues 15 and 16"),
    ("musdb18", "Open-Unmix, four targets and Wiener filter", 6.32, 6.32, "open-unmix-pytorch, README"),
    ("musdb18", "Demucs v2", 6.6, 7.1, "Défossez et al. 2019, Music Source Separation in the Waveform Domain"),
    ("musdb18", "KUIELab-MDX-Net", 9.00, 9.00, "Kim et al. 2021, KUIELab-MDX-Net"),
    ("musdb18hq", "HT Demucs", 7.93, 7.93, "Rouard et al. 2023, Hybrid Transformers for Music Source Separation"),
    ("musdb18hq", "HT Demucs (extra data)", 8.93, 8.93, "Rouard et al. 2023"),
    ("musdb18hq", "BSRNN", 10.01, 10.01, "Luo and Yu 2023, Music Source Separation with Band-split RNN"),
    ("musdb18hq", "SCNet", 9.89, 9.89, "Tong et al. 2024, SCNet: Sparse Compression Network"),
    ("musdb18hq", "SCNet, large", 10.86, 10.86, "Tong et al. 2024"),
    ("musdb18hq", "BS-RoFormer, six layers", 10.66, 10.66, "Lu et al. 2023, Band-Split RoPE Transformer"),
    ("musdb18hq", "BS-RoFormer, twelve layers (extra data)", 12.72, 12.72, "Lu et al. 2023"),
)


def published_systems(dataset: str | None) -> pd.DataFrame:
    """Published figures for a dataset: columns dataset, system, low_db, high_db and source; no rows if none.

    low_db and high_db differ where a source gives a range.

    >>> len(published_systems("demo"))
    0
    """
    table = pd.DataFrame(_ROWS, columns=list(_COLUMNS))
    return table[table.dataset == dataset].reset_index(drop=True)
