"""First-fit decreasing, best-fit decreasing and the alignment (dot-product) greedy, as good as one would write them.

All know the rules. Sizes of instances are sums of demands weighed by the average demand of each resource [1]_. Hosts
are opened of one class, the best of all that are tried; what it cannot hold gets the cheapest that can. Where hosts
are limited in number, they are opened in the order of price per (weighed) capacity.

References
----------
.. [1] Panigrahy, Talwar, Uyeda, Wieder (2011), Heuristics for vector bin packing, Microsoft Research
.. [2] Grandl, Ananthanarayanan, Kandula, Rao, Akella (2014), Multi-resource packing for cluster schedulers,
   doi:10.1145/2619239.2626334: the alignment score
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numba
import numpy as np
import numpy.typing as npt

from benchmarks.peers.problem import Answer, IntArray, Problem, cost_of

FloatArray = npt.NDArray[np.float64]
_NO_LIMIT = np.iinfo(np.int32).max


def first_fit(problem: Problem) -> Answer:
    """First-fit decreasing."""
    return _best_order(problem, lambda *arguments: _decreasing(*arguments, False), len(problem.price))


def best_fit(problem: Problem) -> Answer:
    """Best-fit decreasing: the host that is left with least."""
    return _best_order(problem, lambda *arguments: _decreasing(*arguments, True), len(problem.price))


def alignment(problem: Problem) -> Answer:
    """Host by host, the instance whose demand is best aligned with what is free; the two cheapest classes by weight."""
    return _best_order(problem, _aligned, 2)


def _best_order(problem: Problem, pack: Callable[..., tuple[IntArray, IntArray, bool]], most_orders: int) -> Answer:
    weight = _weights(problem)
    per_weight = problem.price / np.maximum(problem.limit @ weight, 1e-300)
    by_weight = np.argsort(per_weight, kind="stable")
    by_price = np.argsort(problem.price, kind="stable")
    if (problem.stock >= 0).any():
        orders = [by_weight]
    else:
        orders = [np.concatenate(([s], by_price[by_price != s])) for s in by_weight[:most_orders]]
    rules = _both_ways(problem)
    arguments = (problem.demand, problem.instances, problem.max_per_host, problem.limit, problem.stock, *rules, weight)
    pack(*_tiny(len(weight)), np.zeros(1, np.int64))  # compiles
    start = time.monotonic()
    best: Answer | None = None
    for order in orders:
        host_class, host_of, is_complete = pack(*arguments, order)
        answer = Answer(host_class, host_of, 0.0)
        if is_complete and (best is None or cost_of(problem, answer) < cost_of(problem, best)):
            best = answer
    if best is None:
        raise SystemExit("not everything found a host")
    return Answer(best.host_class, best.host_of, time.monotonic() - start)


def _weights(problem: Problem) -> FloatArray:
    """Return float64[num_resources]: average demand, all in shares of the largest limit (and per unit of demand)."""
    largest = np.maximum(problem.limit.max(axis=0), 1).astype(np.float64)
    average = (problem.demand * problem.instances[:, None]).sum(axis=0) / problem.instances.sum() / largest
    return np.asarray(average / largest)


def _both_ways(problem: Problem) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Return the rules in rows, each pair in both: start, other, most of other beside s, most of s beside other."""
    num = len(problem.instances)
    service = np.repeat(np.arange(num), np.diff(problem.rule_start))
    key = np.concatenate((service * num + problem.rule_other, problem.rule_other * num + service))
    none = np.full(len(problem.rule_most), _NO_LIMIT)
    most_other = np.concatenate((problem.rule_most, none))
    most_self = np.concatenate((none, problem.rule_most))
    order = np.argsort(key, kind="stable")
    pairs, first = np.unique(key[order], return_index=True)
    if not len(pairs):
        return np.zeros(num + 1, np.int64), pairs, pairs, pairs
    return (
        np.searchsorted(pairs // num, np.arange(num + 1)).astype(np.int64),
        pairs % num,
        np.minimum.reduceat(most_other[order], first),
        np.minimum.reduceat(most_self[order], first),
    )


def _tiny(num_resources: int) -> tuple[npt.NDArray[np.generic], ...]:
    """Return arguments of the same types for one service on one class, to compile with."""
    one = np.ones((1, num_resources), np.int64)
    start, other = np.zeros(2, np.int64), np.zeros(0, np.int64)
    single = np.ones(1, np.int64)
    return one, single, single, one, -single, start, other, other, other, np.ones(num_resources)


@numba.njit(cache=True)
def _open_host(demand, limit, stock_left, order):  # type: ignore[no-untyped-def]
    """Return the first class in the order that has a host left and holds the demand; -1: none."""
    for s in order:
        if stock_left[s] == 0:
            continue
        holds = True
        for r in range(len(demand)):
            if demand[r] > limit[s, r]:
                holds = False
                break
        if holds:
            return s
    return -1


@numba.njit(cache=True)
def _decreasing(  # type: ignore[no-untyped-def]
    demand, instances, max_per_host, limit, stock, rule_start, rule_other, most_other, most_self, weight, order, is_best
):
    num_services, num_resources = demand.shape
    total = instances.sum()
    size = np.zeros(num_services)
    for i in range(num_services):
        for r in range(num_resources):
            size[i] += weight[r] * demand[i, r]
    by_size = np.argsort(-size)
    first = np.zeros(num_services + 1, np.int64)
    first[1:] = np.cumsum(instances)
    stock_left = stock.copy()
    host_of = np.full(total, -1, np.int64)
    host_class = np.empty(total, np.int64)
    residual = np.empty((total, num_resources), np.int64)
    free = np.zeros(total)  # weighed residual
    cap = np.empty(total, np.int64)
    num_hosts = 0
    for i in by_size:
        # how many of this service each host takes by the rules
        cap[:num_hosts] = max_per_host[i]
        for k in range(rule_start[i], rule_start[i + 1]):
            t = rule_other[k]
            begin = first[t]
            # instances of a service stand host by host: see the end of this loop
            while begin < first[t + 1] and host_of[begin] >= 0:
                h = host_of[begin]
                end = begin
                while end < first[t + 1] and host_of[end] == h:
                    end += 1
                if end - begin > most_other[k]:
                    cap[h] = 0
                cap[h] = min(cap[h], most_self[k])
                begin = end
        h = 0
        for instance in range(first[i], first[i + 1]):
            chosen = -1
            least = np.inf
            if is_best:
                h = 0
            while h < num_hosts:
                fits = cap[h] > 0 and (not is_best or free[h] < least)
                if fits:
                    for r in range(num_resources):
                        if demand[i, r] > residual[h, r]:
                            fits = False
                            break
                if fits:
                    chosen = h
                    least = free[h]
                    if not is_best:
                        break
                h += 1
            if chosen < 0:
                s = _open_host(demand[i], limit, stock_left, order)
                if s < 0:
                    return host_class[:num_hosts].copy(), host_of, False
                stock_left[s] -= 1
                chosen = num_hosts
                host_class[chosen] = s
                residual[chosen] = limit[s]
                cap[chosen] = max_per_host[i]
                for r in range(num_resources):
                    free[chosen] += weight[r] * limit[s, r]
                num_hosts += 1
            host_of[instance] = chosen
            cap[chosen] -= 1
            for r in range(num_resources):
                residual[chosen, r] -= demand[i, r]
            free[chosen] -= size[i]
        host_of[first[i] : first[i + 1]] = np.sort(host_of[first[i] : first[i + 1]])
    return host_class[:num_hosts].copy(), host_of, True


@numba.njit(cache=True, fastmath=True)
def _aligned(  # type: ignore[no-untyped-def]
    demand, instances, max_per_host, limit, stock, rule_start, rule_other, most_other, most_self, weight, order
):
    num_services, num_resources = demand.shape
    total = instances.sum()
    first = np.zeros(num_services + 1, np.int64)
    first[1:] = np.cumsum(instances)
    left = instances.copy()
    stock_left = stock.copy()
    host_of = np.full(total, -1, np.int64)
    host_class = np.empty(total, np.int64)
    # those with something left, and their demands, side by side
    active = np.arange(num_services)
    active_demand = demand.copy()
    num_active = num_services
    cap = max_per_host.copy()  # how many more of each service the open host takes
    on_host = np.zeros(num_services, np.int64)
    placed_here = np.empty(num_services, np.int64)
    pull = np.empty(num_resources)
    num_hosts = 0
    while num_active:
        # the first class in the order that holds anything that is left
        s = -1
        for k in range(num_active):
            s = _open_host(active_demand[k], limit, stock_left, order[:1])
            if s >= 0:
                break
        if s < 0:
            s = _open_host(active_demand[0], limit, stock_left, order)
        if s < 0:
            return host_class[:num_hosts].copy(), host_of, False
        stock_left[s] -= 1
        host_class[num_hosts] = s
        residual = limit[s].copy()
        num_here = 0
        while True:
            for r in range(num_resources):
                pull[r] = weight[r] * residual[r]
            chosen = -1
            most = -1.0
            for k in range(num_active):
                score = 0.0
                fits = True
                for r in range(num_resources):
                    score += pull[r] * active_demand[k, r]
                    fits &= active_demand[k, r] <= residual[r]
                if fits and score > most and cap[active[k]] > 0:
                    chosen = k
                    most = score
            if chosen < 0:
                break
            i = active[chosen]
            host_of[first[i + 1] - left[i]] = num_hosts
            left[i] -= 1
            cap[i] -= 1
            for r in range(num_resources):
                residual[r] -= demand[i, r]
            if on_host[i] == 0:
                placed_here[num_here] = i
                num_here += 1
            on_host[i] += 1
            for k in range(rule_start[i], rule_start[i + 1]):
                t = rule_other[k]
                room = min(most_other[k], max_per_host[t]) - on_host[t]
                if on_host[i] > most_self[k]:
                    room = 0
                cap[t] = min(cap[t], room)
            if left[i] == 0:
                num_active -= 1
                active[chosen] = active[num_active]
                active_demand[chosen] = active_demand[num_active]
        for k in range(num_here):
            i = placed_here[k]
            on_host[i] = 0
            cap[i] = max_per_host[i]
            for e in range(rule_start[i], rule_start[i + 1]):
                cap[rule_other[e]] = max_per_host[rule_other[e]]
        num_hosts += 1
    return host_class[:num_hosts].copy(), host_of, True
