"""The page of a run's report: HTML with its pictures in it."""

import base64
import html
import json
from collections.abc import Mapping
from typing import Any

from infogan import figures
from infogan.config import to_yaml
from infogan.metrics.clustering import class_names
from infogan.metrics.disentanglement import in_words as scores_in_words
from infogan.metrics.factors import in_words as factors_in_words
from infogan.metrics.groups import held, line, names, shown, warnings
from infogan.metrics.groups import in_words as groups_in_words
from infogan.metrics.matched import in_words as matched_in_words
from infogan.metrics.meaning import in_words
from infogan.metrics.pairs import in_words as pairs_in_words
from infogan.metrics.variance import in_words as variance_in_words
from infogan.model import InfoGAN
from infogan.run import Run
from infogan.supposed import supposed

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff }
h1 { margin-bottom: 0 } h2 { margin-top: 2.2rem; border-bottom: 1px solid #ddd }
figure { margin: 1rem 1.5rem 1rem 0; display: inline-block; vertical-align: top; max-width: 100% }
figcaption { color: #555; font-size: .9rem; max-width: 30rem }
img { max-width: 100%; image-rendering: pixelated } img.plot { image-rendering: auto }
table { border-collapse: collapse } td, th { padding: .2rem .8rem; text-align: right;
       border-bottom: 1px solid #eee } td:first-child, th:first-child { text-align: left }
pre { background: #f6f6f6; padding: .8rem; overflow-x: auto } .big { font-size: 1.3rem }
"""


def page(
    run: Run, model: InfoGAN, metrics: Mapping[str, Any], pictures: Mapping[str, bytes]
) -> str:
    """The page.

    Args:
        run: For its log, settings and command.
        model: The trained model, and what its categories and sliders are called.
        metrics: What `infogan evaluate` measured.
        pictures: PNG files by name.
    """
    config, prior = run.config, model.prior
    title = html.escape(f"infogan · {run.path.name}")
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>',
        f"<style>{STYLE}</style><h1>{title}</h1>",
        f"<p>{html.escape(config.data.source)} · codes {html.escape(str(prior))} · objective "
        f"{config.objective} · {config.train.updates:,} updates of {config.train.batch}"
        f"{_starts(run.starts())}</p>",
        _headline(metrics),
        _warnings(run.warnings() | warnings(metrics)),
        "<h2>What the codes do</h2>",
    ]
    parts += _vector_codes(model, pictures) if model.vectors else _image_codes(model, pictures)
    words = in_words(metrics) + in_words(metrics, "reading")
    if words:
        sentences = "".join(f"<li>{html.escape(s)}</li>" for s in words)
        parts.append(f"<ul class=big>{sentences}</ul>" + _meaning_table(metrics))
        parts.append(_protocol(metrics, "meaning"))
    parts += [
        "<h2>Samples</h2>",
        _figure("samples", "z and all codes drawn from the prior", pictures, model.vectors),
        "<h2>Information in the codes</h2>",
        _information_table(metrics, model),
        _protocol(metrics, "information"),
        _figure(
            "information", "L_I of each code on training batches; dashed: H(c)", pictures, True
        ),
        _figure("losses", "Losses on training batches", pictures, True),
    ]
    if "confusion" in pictures:
        parts += [
            "<h2>Categories and classes</h2>",
            _figure("confusion", "held-out images: class by category", pictures, True),
            _matching(metrics),
            _protocol(metrics, "clustering"),
        ]
    parts += _groups(metrics, pictures)
    for family, heading, told in (
        ("factors", "Codes and true factors", factors_in_words(metrics)),
        ("disentanglement", "Disentanglement", scores_in_words(metrics)),
        ("matched", "Codes and true factors, one to one", matched_in_words(metrics)),
        ("variance", "What each code makes of the images", variance_in_words(metrics)),
        ("pairs", "Without labels", pairs_in_words(metrics)),
    ):
        if f"protocol.{family}" in metrics:
            said = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in told)
            parts.append(f"<h2>{heading}</h2><ul>{said}</ul>{_protocol(metrics, family)}")
    parts.append(supposed(config, prior))
    parts += [
        "<h2>Make it again</h2>",
        f"<pre>{html.escape(run.command)}</pre>",
        "<details><summary>All settings</summary><pre>"
        f"{html.escape(to_yaml(config))}</pre></details>",
        "<details><summary>All numbers</summary><pre>"
        f"{html.escape(json.dumps(dict(metrics), indent=1))}</pre></details></html>",
    ]
    return "\n".join(parts)


def _groups(metrics: Mapping[str, Any], pictures: Mapping[str, bytes]) -> list[str]:
    """Which categories are one thing: the trees, in words and as they are."""
    if not names(metrics):
        return []
    told = "".join(f"<li>{html.escape(s)}</li>" for s in groups_in_words(metrics))
    parts = [f"<h2>Categories that are one thing</h2><ul>{told}</ul>"]
    for name in names(metrics):
        found, accepted = shown(metrics, name)
        known = "accepted" if accepted else "proposed"
        coloured = accepted or line(metrics, name) is not None
        caption = (
            f"{name}: two halves of each category"
            + f" → its group, the {held(metrics, name, found)} groups {known} in colour" * coloured
            + ". Two branches meet where copies and look-alikes mix them so far (1: as halves by "
            "chance)"
            + "; dashed: between parts of one thing and things" * (line(metrics, name) is not None)
            + ". Beside each real held-out images"
        )
        parts.append(_figure(f"tree-{name}", caption, pictures, True))
    if "groups" in pictures:
        parts.append(_figure("groups", "held-out images: class by group", pictures, True))
    return [
        *parts,
        "<p>This supposes that what parts two things is more than what parts any two parts of one, "
        "in the features of the trunk: kinds that the trunk does not tell apart it cannot tell "
        "apart either, and a category of three kinds shows only two. "
        "<code>infogan merge RUN</code> accepts the groups, <code>--groups N</code> another number "
        "of them, <code>--undo</code> takes them back.</p>",
        _protocol(metrics, "groups"),
    ]


def _image_codes(model: InfoGAN, pictures: Mapping[str, bytes]) -> list[str]:
    prior = model.prior
    rows = prior.categorical[0].name if prior.categorical else ""
    parts = []
    for code in prior:
        for coordinate in code.coordinates:
            columns = figures.values(code)
            span = f"{columns[0].item():g} … {columns[-1].item():g}"
            row = f"a category of {rows}" if rows and rows != code.name else "one draw of the rest"
            called = _called(model, coordinate)
            caption = f"{coordinate}{called}: columns {span}, each row {row}, z fixed along the row"
            parts.append(_figure(f"traversal-{coordinate}", caption, pictures))
    return parts


def _vector_codes(model: InfoGAN, pictures: Mapping[str, bytes]) -> list[str]:
    parts = []
    if "sheet" in pictures:
        caption = "held-out points where they lie by their true factors, coloured by what Q reads"
        parts.append(_figure("sheet", caption, pictures, True))
    for coordinate in (name for code in model.prior for name in code.coordinates):
        called = _called(model, coordinate)
        caption = f"{coordinate}{called}: held-out vectors coloured by what Q reads"
        parts.append(_figure(f"coloured-{coordinate}", caption, pictures, True))
        caption = (
            f"{coordinate}{called}: what it does to each column, the mean over draws of the rest"
        )
        parts.append(_figure(f"traversal-{coordinate}", caption, pictures, True))
    return parts


def _called(model: InfoGAN, coordinate: str) -> str:
    """What a slider is called, or the categories of a code, by their numbers."""
    if text := model.names.get(coordinate):
        return f" ({text})"
    start = f"{coordinate}="
    called = [(k.removeprefix(start), v) for k, v in model.names.items() if k.startswith(start)]
    told = ", ".join(f"{number} {text}" for number, text in sorted(called, key=_number))
    return f" ({told})" if told else ""


def _number(called: tuple[str, str]) -> int:
    return int(called[0])


def _headline(metrics: Mapping[str, Any]) -> str:
    if "clustering.accuracy" not in metrics:
        return ""
    merged = ""
    if "groups.accuracy" in metrics:
        name = names(metrics)[0]  # of the first code, as the accuracy is
        merged = (
            f". In {held(metrics, name, shown(metrics, name)[0])} groups: accuracy "
            f"<b>{metrics['groups.accuracy']:.4f}</b> one-to-one"
        )
    return (
        f"<p class=big>Accuracy <b>{metrics['clustering.accuracy']:.4f}</b> one-to-one "
        f"({metrics['clustering.accuracy_many']:.4f} many-to-one) · NMI "
        f"{metrics['clustering.nmi']:.4f} · ARI {metrics['clustering.ari']:.4f} · mean confidence "
        f"{metrics['clustering.confidence']:.4f}, on real held-out images{merged}</p>"
    )


def _warnings(found: Mapping[str, str]) -> str:
    """What the guards said while it trained."""
    if not found:
        return ""
    return (
        f"<h2>Warnings</h2><ul>{''.join(f'<li>{html.escape(t)}</li>' for t in found.values())}</ul>"
    )


def _matching(metrics: Mapping[str, Any]) -> str:
    pairs = sorted((int(k), v) for k, v in metrics["clustering.matching"].items())
    names = class_names(metrics)
    told = ", ".join(
        f"{category} is class {html.escape(names[label])}" for category, label in pairs
    )
    return f"<p>One-to-one: category {told}.</p>"


def _information_table(metrics: Mapping[str, Any], model: InfoGAN) -> str:
    head = "<tr><th>code<th>L_I, nats<th>± se<th>H(c), nats<th>L_I/H(c)<th>R²</tr>"
    rows = []
    for code in model.prior:
        key = f"information.{code.name}"
        share = f"{metrics[f'{key}.share']:.3f}" if f"{key}.share" in metrics else "–"
        r2 = f"{metrics[f'{key}.R2']:.3f}" if f"{key}.R2" in metrics else "–"
        rows.append(
            f"<tr><td>{code.name}<td>{metrics[f'{key}.L_I']:.3f}<td>{metrics[f'{key}.se']:.3f}"
            f"<td>{metrics[f'{key}.H']:.3f}<td>{share}<td>{r2}</tr>"
        )
    return f"<table>{head}{''.join(rows)}</table>"


def _meaning_table(metrics: Mapping[str, Any]) -> str:
    head = "<tr><th>code<th>factor<th>signed mean ρ<th>mean |ρ|<th>ρ by category</tr>"
    rows = []
    for key, value in metrics.items():
        if key.startswith("meaning.") and key.endswith(".rho"):
            stem = key.removesuffix(".rho")
            by = " ".join(f"{r:+.2f}" for r in metrics[f"{stem}.by_category"])
            _, coordinate, factor = stem.split(".")
            rows.append(
                f"<tr><td>{coordinate}<td>{factor}<td>{value:+.2f}<td>{metrics[f'{stem}.abs']:.2f}"
                f"<td>{by}</tr>"
            )
    return f"<table>{head}{''.join(rows)}</table>"


def _protocol(metrics: Mapping[str, Any], family: str) -> str:
    return f"<p><small>{html.escape(metrics[f'protocol.{family}'])}</small></p>"


def _figure(name: str, caption: str, pictures: Mapping[str, bytes], plot: bool = False) -> str:
    data = base64.b64encode(pictures[name]).decode()
    kind = ' class="plot"' if plot else ""
    caption = html.escape(caption)
    return (
        f'<figure><img{kind} alt="{caption}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _starts(facts: Mapping[str, Any]) -> str:
    """Which of several starts went on, and why."""
    if not facts:
        return ""
    why = "whose kinds stand apart" if facts.get("stands") else "which had most"
    if "I_groups" in facts:
        scores = ", ".join(f"{score:.2f}" for score in facts["I_groups"])
        return (
            f" · scout {facts['kept'] + 1} of {len(facts['I_groups'])}, {why}, was followed: after "
            f"{facts['updates']} updates on real images alone I_m of its kinds was {scores} nats"
        )
    key, what = ("I_pairs", "information on real pairs") if "I_pairs" in facts else ("game", "−V_I")
    scores = ", ".join(
        f"{score:.2f}" if key == "I_pairs" else f"{score:.3f}" for score in facts[key]
    )
    return (
        f" · start {facts['kept'] + 1} of {len(facts[key])}, {why}, went on: after "
        f"{facts['updates']} updates their {what} was {scores} nats"
    )
