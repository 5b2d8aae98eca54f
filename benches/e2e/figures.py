"""Medians and quartiles of runs, and the units that wrk prints."""

import re
import statistics


def quartiles(values):
    return statistics.quantiles(values, n=4, method="inclusive")


def middle_of(runs, key):
    return statistics.median(run[key] for run in runs)


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}[unit]
