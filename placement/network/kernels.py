"""Compiled kernels of the network layer: traffic summed up over hosts and leaves, and routed over equal-cost paths."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def sum_up(
    source_start, source_host, source_kbps, target_start, target_host, target_share, leaf_of, sent, received, matrix
):
    """Add up flows of rank one: in each group every source sends to every target by the target's share.

    Parameters
    ----------
    source_start, target_start
        int64[num_groups + 1]: each group's sources and targets.
    source_host, source_kbps, target_host, target_share
        Ends, and what they send or their share of what the group sends.
    leaf_of
        int64[num_ends]: leaf of each end.
    sent, received
        float64[num_ends], added to: what leaves and enters a host; what stays on it does neither.
    matrix
        float64[num_leaves, num_leaves], added to: from leaf to leaf; what stays in a leaf is on the diagonal.
    """
    num_leaves = matrix.shape[0]
    on_host = np.zeros(len(leaf_of))
    from_leaf = np.zeros(num_leaves)
    to_leaf = np.zeros(num_leaves)
    senders = np.zeros(num_leaves, np.int64)
    takers = np.zeros(num_leaves, np.int64)
    for g in range(len(source_start) - 1):
        total = 0.0
        num_senders = 0
        for i in range(source_start[g], source_start[g + 1]):
            h = source_host[i]
            x = source_kbps[i]
            total += x
            sent[h] += x
            on_host[h] += x
            leaf = leaf_of[h]
            if from_leaf[leaf] == 0.0 and x > 0.0:
                senders[num_senders] = leaf
                num_senders += 1
            from_leaf[leaf] += x
        num_takers = 0
        for j in range(target_start[g], target_start[g + 1]):
            h = target_host[j]
            y = target_share[j]
            received[h] += y * total
            local = on_host[h] * y
            sent[h] -= local
            received[h] -= local
            leaf = leaf_of[h]
            if to_leaf[leaf] == 0.0 and y > 0.0:
                takers[num_takers] = leaf
                num_takers += 1
            to_leaf[leaf] += y
        for a in range(num_senders):
            x = from_leaf[senders[a]]
            for b in range(num_takers):
                matrix[senders[a], takers[b]] += x * to_leaf[takers[b]]
        for i in range(source_start[g], source_start[g + 1]):
            on_host[source_host[i]] = 0.0
            from_leaf[leaf_of[source_host[i]]] = 0.0
        for j in range(target_start[g], target_start[g + 1]):
            to_leaf[leaf_of[target_host[j]]] = 0.0


@njit(cache=True, nogil=True)
def route(start, neighbour, edge, links, targets, demand, load):
    """Route demands hop by hop on shortest paths, over equal ones in proportion to their links.

    Parameters
    ----------
    start, neighbour, edge
        Adjacency: neighbours of node n are at start[n] … start[n + 1], each with the number of the directed edge
        from n to it.
    links
        int64[num_edges]: parallel links of each directed edge; 0: it is cut.
    targets
        int64[num_targets]: nodes.
    demand
        float64[num_targets, num_targets]: from target to target.
    load
        float64[num_edges], added to.

    Returns
    -------
    float
        Demand between nodes that have no way to each other.
    """
    num_nodes = len(start) - 1
    distance = np.empty(num_nodes, np.int64)
    queue = np.empty(num_nodes, np.int64)
    flow = np.zeros(num_nodes)
    lost = 0.0
    for t in range(len(targets)):
        anything = False
        for s in range(len(targets)):
            if s != t and demand[s, t] > 0.0:
                anything = True
                break
        if not anything:
            continue
        distance[:] = -1
        distance[targets[t]] = 0
        queue[0] = targets[t]
        head, tail = 0, 1
        while head < tail:
            n = queue[head]
            head += 1
            for k in range(start[n], start[n + 1]):
                if links[edge[k]] > 0 and distance[neighbour[k]] < 0:
                    distance[neighbour[k]] = distance[n] + 1
                    queue[tail] = neighbour[k]
                    tail += 1
        for s in range(len(targets)):
            if s != t:
                if distance[targets[s]] < 0:
                    lost += demand[s, t]
                else:
                    flow[targets[s]] += demand[s, t]
        for q in range(tail - 1, 0, -1):
            n = queue[q]
            here = flow[n]
            flow[n] = 0.0
            if here <= 0.0:
                continue
            nearer = distance[n] - 1
            total = 0
            for k in range(start[n], start[n + 1]):
                if distance[neighbour[k]] == nearer:
                    total += links[edge[k]]
            for k in range(start[n], start[n + 1]):
                if distance[neighbour[k]] == nearer and links[edge[k]] > 0:
                    part = here * links[edge[k]] / total
                    load[edge[k]] += part
                    flow[neighbour[k]] += part
        flow[targets[t]] = 0.0
    return lost


@njit(cache=True, nogil=True)
def passing(start, neighbour, edge, links, targets, wanted, part):
    """Find which part of the demand from target to target passes one directed edge.

    Parameters
    ----------
    start, neighbour, edge, links, targets
        As for `route`.
    wanted
        Number of the directed edge.
    part
        float64[num_targets, num_targets], filled in.
    """
    num_nodes = len(start) - 1
    distance = np.empty(num_nodes, np.int64)
    queue = np.empty(num_nodes, np.int64)
    passes = np.zeros(num_nodes)
    for t in range(len(targets)):
        distance[:] = -1
        distance[targets[t]] = 0
        passes[targets[t]] = 0.0
        queue[0] = targets[t]
        head, tail = 0, 1
        while head < tail:
            n = queue[head]
            head += 1
            if head > 1:
                total = 0
                for k in range(start[n], start[n + 1]):
                    if links[edge[k]] > 0 and distance[neighbour[k]] == distance[n] - 1:
                        total += links[edge[k]]
                here = 0.0
                for k in range(start[n], start[n + 1]):
                    if links[edge[k]] > 0 and distance[neighbour[k]] == distance[n] - 1:
                        along = 1.0 if edge[k] == wanted else passes[neighbour[k]]
                        here += links[edge[k]] / total * along
                passes[n] = here
            for k in range(start[n], start[n + 1]):
                if links[edge[k]] > 0 and distance[neighbour[k]] < 0:
                    distance[neighbour[k]] = distance[n] + 1
                    queue[tail] = neighbour[k]
                    tail += 1
        for s in range(len(targets)):
            part[s, t] = 0.0 if s == t or distance[targets[s]] < 0 else passes[targets[s]]


@njit(cache=True, nogil=True)
def talk(source_start, source_host, source_kbps, target_start, target_host, target_share, leaf_of, forth, back, kbps):
    """Find what of each source's traffic passes a link.

    Parameters
    ----------
    forth, back
        float64[num_leaves, num_leaves]: part of what goes from leaf to leaf, and of what comes back, that passes it.
    kbps
        float64[num_sources], added to.
    """
    num_leaves = forth.shape[0]
    to_leaf = np.zeros(num_leaves)
    takers = np.zeros(num_leaves, np.int64)
    passes = np.full(num_leaves, -1.0)
    for g in range(len(source_start) - 1):
        number = 0
        for j in range(target_start[g], target_start[g + 1]):
            leaf = leaf_of[target_host[j]]
            if to_leaf[leaf] == 0.0 and target_share[j] > 0.0:
                takers[number] = leaf
                number += 1
            to_leaf[leaf] += target_share[j]
        for i in range(source_start[g], source_start[g + 1]):
            leaf = leaf_of[source_host[i]]
            if passes[leaf] < 0.0:
                here = 0.0
                for b in range(number):
                    here += to_leaf[takers[b]] * (forth[leaf, takers[b]] + back[leaf, takers[b]])
                passes[leaf] = here
            kbps[i] += source_kbps[i] * passes[leaf]
        for i in range(source_start[g], source_start[g + 1]):
            passes[leaf_of[source_host[i]]] = -1.0
        for j in range(target_start[g], target_start[g + 1]):
            to_leaf[leaf_of[target_host[j]]] = 0.0


@njit(cache=True, nogil=True)
def partners(
    source_start, source_host, source_kbps, target_start, target_host, target_share, leaf_of, row, factor, found
):
    """Add up what chosen hosts exchange with each leaf, both directions together.

    Parameters
    ----------
    row
        int64[num_ends]: row of each chosen host in `found`, −1: not chosen.
    factor
        Of what the sources send: forward and back together.
    found
        float64[num_rows, num_leaves], added to.
    """
    num_leaves = found.shape[1]
    from_leaf = np.zeros(num_leaves)
    to_leaf = np.zeros(num_leaves)
    senders = np.zeros(num_leaves, np.int64)
    takers = np.zeros(num_leaves, np.int64)
    for g in range(len(source_start) - 1):
        total = 0.0
        num_senders = 0
        num_takers = 0
        for i in range(source_start[g], source_start[g + 1]):
            leaf = leaf_of[source_host[i]]
            total += source_kbps[i]
            if from_leaf[leaf] == 0.0 and source_kbps[i] > 0.0:
                senders[num_senders] = leaf
                num_senders += 1
            from_leaf[leaf] += source_kbps[i]
        for j in range(target_start[g], target_start[g + 1]):
            leaf = leaf_of[target_host[j]]
            if to_leaf[leaf] == 0.0 and target_share[j] > 0.0:
                takers[num_takers] = leaf
                num_takers += 1
            to_leaf[leaf] += target_share[j]
        for i in range(source_start[g], source_start[g + 1]):
            r = row[source_host[i]]
            if r >= 0:
                for b in range(num_takers):
                    found[r, takers[b]] += factor * source_kbps[i] * to_leaf[takers[b]]
        for j in range(target_start[g], target_start[g + 1]):
            r = row[target_host[j]]
            if r >= 0:
                for a in range(num_senders):
                    found[r, senders[a]] += factor * target_share[j] * from_leaf[senders[a]]
        for i in range(source_start[g], source_start[g + 1]):
            from_leaf[leaf_of[source_host[i]]] = 0.0
        for j in range(target_start[g], target_start[g + 1]):
            to_leaf[leaf_of[target_host[j]]] = 0.0
