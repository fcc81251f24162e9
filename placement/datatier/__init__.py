"""The data tier: which databases and caches services share, and what platform services all of them need.

Everything that runs beside the services becomes workloads (`placement.workloads`), which the packing engine places in
pools of their own. `docs/designs/2026-11-24-data-tier.md` says what is computed.
"""

from __future__ import annotations
