from typing import Any


def plan_postgres(*a: Any, **k: Any) -> Any:
    raise NotImplementedError
