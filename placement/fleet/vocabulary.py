"""Words that generated fleets are named with: domains, the most frequent first, and what is done there."""

from __future__ import annotations

DOMAINS: dict[str, tuple[str, ...]] = {
    "orders": ("intake", "tracking", "history", "returns", "routing", "export"),
    "billing": ("invoice", "ledger", "dunning", "tax", "refund", "statement"),
    "catalog": ("item", "price", "media", "import", "category", "review"),
    "customer": ("profile", "consent", "address", "segment", "import", "merge"),
    "payments": ("gateway", "capture", "settlement", "fraud", "wallet", "payout"),
    "shipping": ("label", "carrier", "tracking", "rate", "customs", "manifest"),
    "inventory": ("stock", "count", "reorder", "forecast", "transfer", "audit"),
    "identity": ("login", "session", "token", "role", "directory", "audit"),
    "search": ("index", "query", "suggest", "ranking", "crawl", "synonym"),
    "messaging": ("email", "sms", "push", "template", "inbox", "bounce"),
    "reporting": ("dashboard", "export", "schedule", "metric", "archive", "alert"),
    "marketing": ("campaign", "coupon", "banner", "audience", "survey", "referral"),
    "support": ("ticket", "chat", "faq", "escalation", "feedback", "macro"),
    "documents": ("render", "store", "sign", "scan", "template", "retention"),
    "scheduling": ("calendar", "shift", "booking", "reminder", "slot", "holiday"),
    "workflow": ("engine", "approval", "task", "timer", "form", "audit"),
    "pricing": ("rule", "quote", "discount", "currency", "margin", "history"),
    "procurement": ("supplier", "contract", "request", "receipt", "bid", "rating"),
    "payroll": ("salary", "benefit", "timesheet", "tax", "payslip", "expense"),
    "analytics": ("event", "funnel", "cohort", "model", "feature", "export"),
    "logistics": ("fleet", "route", "depot", "load", "telematics", "driver"),
    "compliance": ("policy", "screening", "case", "evidence", "retention", "report"),
    "partners": ("onboarding", "webhook", "catalog", "settlement", "portal", "key"),
    "treasury": ("cash", "hedge", "bank", "forecast", "reconcile", "limit"),
}

REGIONS = (
    "eu-central", "us-east", "ap-south", "eu-west", "us-west", "ap-east", "sa-east", "ca-central",
    "me-central", "af-south",
)  # fmt: skip
