"""Short lines that are no content by their wording: share bars, credits, dates, "related" headings."""

from __future__ import annotations

import re

_NOTICE = re.compile(
    r"\s*(?:advertisement|sponsored|share (?:this|on|via)|read (?:more|also|next)|see also:|also read|"
    r"related (?:articles?|posts?|stories|topics|links)|more (?:from|stories)\b|"
    r"subscribe|sign up|log ?in to|follow (?:us|the [\w ]{2,30} on (?:twitter|facebook|instagram))\b|like (?:us on|this|recipe)|click here to|tags?:|"
    r"filed under|categor(?:y|ies)\s*:|posted (?:in|on|by)|this entry was posted|sorted by|"
    r"\d+\s?min(?:ute)?s? read|was this (?:article|page) helpful|rate this|last (?:updated?|modified)|"
    r"all rights reserved|copyright|©|\(c\) \d{4}|cookies?\b|this (?:site|website) uses cookies|"
    r"you (?:may|might) also like|leave a (?:reply|comment)|comments (?:are )?(?:closed|off)|print this|"
    r"e-?mail this|permalink|we recommend the|to view the full|"
    r"anzeige\b|werbung\b|lesen sie auch|lesen sie (?:mehr|hier)|auch lesen|mehr (?:zum thema|dazu|zu diesem thema)|"
    r"weitere (?:aktuelle )?(?:artikel|beiträge|informationen|themen|meldungen)|zum weiterlesen|"
    r"das könnte (?:sie|dich|ihnen)|auch interessant|zum thema|schlagw|teilen\b|quelle:|kategorien?:|"
    r"(?:wie bewerten sie|war) (?:der|die|das|diese[rs]?) (?:artikel|beitrag|seite)|"
    r"artikel (?:bewerten|teilen|drucken)|(?:rezept|seite) drucken|"
    r"(?:möchten sie )?(?:den|diesen) (?:artikel|beitrag) (?:teilen|mit)|der beitrag wurde|kommentare? geschlossen|"
    r"(?:zuletzt )?aktualisiert:|aufrufe:|kommentare insgesamt|für links auf dieser seite|inhaltsverzeichnis\s*$|"
    r"wir respektieren deine privatsphäre|was sind cookies|"
    r"reklama|czytaj (?:też|także)|zobacz także|źródło:|ten tekst przeczytasz|"
    r"lire aussi|à lire aussi|permalien|lea también|vea también|leer también|te puede interesar|"
    r"s[ií]guenos|únete|hazte miembro|¡?mira lo que|ultima modifica|leggi anche|"
    r"上一篇|下一篇|相关(?:文章|阅读|推荐)|推荐阅读|分享(?:到|至)|版权(?:声明|所有)|本文(?:作者|链接)[:：]|转载请|"
    r"扫(?:一扫|码)|关注(?:我们|公众号)|发表评论|点击(?:查看|这里)更多|阅读更多|标签[:：]|阅读(?:量|数)[:：])",
    re.I,
)
# The line of a photographer or an agency, with no sentence around it.
_CREDIT = re.compile(
    r"\s*\(?(?:foto|fotos|photos?|bild|bilder|picture|kuva|image credit|photo credit|credits?|crédit photo|"
    r"foto de|imagen)(?:\s+by\b|\s*[:©])(?:[^.!?]|\b[A-Z]\.){0,80}\s*$"
    r"|[^.!?:]{0,60}(?:getty images|shutterstock|istock|adobe stock|picture alliance|ap photo)[^.!?]{0,30}\s*$",
    re.I,
)
_MONTHS = (
    r"(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz]|ene|abr|ago|dic|janv|févr?|mars|avr|août)"
    r"[a-zäéû]*\.?"
)
_DATE = re.compile(
    rf"\W*(?:[a-z]{{2,10}},?\s+)?(?:\d{{1,2}}\.?\s*{_MONTHS}\s*\d{{4}}|\d{{1,2}}([./-])\d{{1,2}}\1(?:19|20)\d\d"
    rf"|{_MONTHS}\s+\d{{1,2}},?\s+\d{{4}}|(?:19|20)\d\d[-/.年]\d{{1,2}}[-/.月]\d{{1,2}}日?)"
    r"(?:\W*\d{1,2}:\d{2}(?::\d{2})?\s*(?:uhr|am|pm|a\.m\.|p\.m\.)?)?\W*",
    re.I,
)
_LONGEST = 160
_LONGEST_DATE = 48

_RELATED = re.compile(
    r"\s*(?:related\b|you (?:may|might) also|more (?:from|stories|articles|posts)\b|"
    r"recommended (?:articles|posts|reading|for you)|(?:latest|recent|popular) (?:news|posts|articles|stories)|trending|"
    r"about the author|read next|what to read next|"
    r"ähnliche (?:beiträge|artikel|themen)|verwandte|weitere (?:\w+ )?(?:artikel|beiträge|themen|meldungen|tourentipps)|"
    r"(?:neueste|aktuelle|letzte|kommentierte) (?:artikel|beiträge|meldungen|kommentare|nachrichten)|"
    r"das könnte (?:sie|dich|ihnen)|auch interessant|mehr (?:zum thema|aus|von|zu diesem)|lust auf mehr|"
    r"über (?:den autor|die autorin|diese reihe)|"
    r"art[ií]culos relacionados|noticias relacionadas|te puede interesar|lo más|"
    r"articles (?:similaires|liés)|sur le même (?:sujet|thème)|articoli correlati|powiązane|zobacz także|"
    r"相关(?:文章|阅读|推荐|内容)|推荐阅读|热门(?:文章|推荐)|最新文章|猜你喜欢)",
    re.I,
)


def is_notice(line: str) -> bool:
    """A short line such as "Read also: …", "All rights reserved" or "Photo: …"."""
    return len(line) <= _LONGEST and (
        _NOTICE.match(line) is not None or _CREDIT.match(line) is not None
    )


def is_date(line: str) -> bool:
    """A date, with or without the time of day, and nothing else."""
    return len(line) <= _LONGEST_DATE and _DATE.fullmatch(line) is not None


def is_related_heading(line: str) -> bool:
    """A heading under which a site lists other pages of its own."""
    return len(line) <= 60 and _RELATED.match(line) is not None
