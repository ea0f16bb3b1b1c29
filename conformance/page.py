"""The report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from html import escape

from conformance.case import Outcome, Result
from conformance.report import Report

_STYLE = """
:root { color-scheme: light dark; --pass: #1a7f37; --fail: #cf222e; --none: #6e7781; --line: #d0d7de; --soft: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --pass: #3fb950; --fail: #ff7b72; --none: #8b949e; --line: #30363d; --soft: #161b22; }
}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.device { color: var(--none); margin: .25rem 0 1.5rem; overflow-wrap: anywhere; }
.sum { display: flex; flex-wrap: wrap; gap: 2rem; }
.sum b { display: block; font-size: 1.75rem; line-height: 1.2; }
details, .case { border-bottom: 1px solid var(--line); padding: .45rem 0; }
summary { cursor: pointer; list-style: none; } summary::-webkit-details-marker { display: none; }
.row { display: grid; grid-template-columns: 3.5rem minmax(0, 1fr) 6.5rem 12rem; gap: .75rem; align-items: baseline; }
.row small, .clause { color: var(--none); }
.pass { color: var(--pass); } .fail { color: var(--fail); font-weight: 600; }
.not_applicable, .not_judged { color: var(--none); }
.id { font: 13px ui-monospace, monospace; color: var(--none); }
.detail { margin: .35rem 0 .35rem 4.25rem; }
pre { margin: .35rem 0 .35rem 4.25rem; padding: .75rem; background: var(--soft); overflow-x: auto; font-size: 12.5px; }
@media (max-width: 45rem) { .row { grid-template-columns: 3.5rem minmax(0, 1fr); } .row small { display: none; } }
"""
_WORD = {Result.PASS: "pass", Result.FAIL: "FAIL", Result.NOT_APPLICABLE: "n/a", Result.NOT_JUDGED: "open"}


def page(report: Report) -> str:
    """The whole file. Cases that failed are unfolded."""
    figures = (
        ("pass", report.count(Result.PASS), "passed"),
        ("fail", report.count(Result.FAIL), "failed"),
        ("fail", report.mandatory_failed, "of them mandatory"),
        ("not_applicable", report.count(Result.NOT_APPLICABLE), "not applicable"),
        *([("not_judged", unjudged, "not judged")] if (unjudged := report.count(Result.NOT_JUDGED)) else []),
    )
    sums = "".join(
        f'<div><b class="{kind if number else "not_applicable"}">{number}</b>{word}</div>'
        for kind, number, word in figures
    )
    groups = "".join(
        f"<h2>{escape(heading)}</h2>" + "".join(_case(outcome) for outcome in outcomes)
        for heading, outcomes in report.grouped()
    )
    verdict = f"<p><b>{escape(report.verdict)}</b></p>" if report.verdict else ""
    title = escape(f"Conformance: {report.standard}")
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{_STYLE}</style>\n<h1>{title}</h1><p class="device">{escape(report.device)}</p>'
        f'<div class="sum">{sums}</div>{verdict}\n{groups}</html>\n'
    )


def _case(outcome: Outcome) -> str:
    opened = " open" if outcome.result is Result.FAIL else ""
    exchange = f"<pre>{escape(chr(10).join(outcome.exchange))}</pre>" if outcome.exchange else ""
    return (
        f'<details id="{escape(outcome.id)}"{opened}><summary class="row">'
        f'<span class="{outcome.result.value}">{_WORD[outcome.result]}</span>'
        f'<span>{escape(outcome.title)} <span class="id">{escape(outcome.id)}</span></span>'
        f"<small>{outcome.requirement.value}</small><small>{escape(outcome.clause)}</small></summary>"
        f'<p class="detail">{escape(outcome.detail)}</p>{exchange}</details>\n'
    )
