"""Short lines that are no content by their wording: share bars, credits, dates, "related"
headings."""

from __future__ import annotations

import re
from functools import lru_cache

from infimm_spark.extract.wording import ends_a_sentence

# Said by sites only.
_SURE = re.compile(
    r"\s*(?:(?:advertisements?|sponsored|anzeige|werbung|reklama|permalink|print this page|"
    r"share (?:this|on|via)(?: (?:article|page|post|story|entry|link|with \w+|facebook|twitter|e-?mail))*|"
    r"e-?mail this(?: (?:page|article))?|related (?:articles?|posts?|stories|topics|links)|"
    r"more (?:from|stories)|subscribe(?: now)?|sign up|log ?in|inhaltsverzeichnis|teilen)\s*:?\s*$|"
    r"(?:read (?:more|also|next)|also read)\s*[:>»→…]|"
    r"(?:subscribe|sign up)\b.{0,50}\b(?:newsletters?|updates|e-?mails?|inbox|alerts|channel|feed|account)\b|"
    r"follow (?:us(?: on\b| at\b|\s*[:!]?\s*$)|the [\w ]{2,30} on (?:twitter|facebook|instagram)\b)|like us on|"
    r"posted (?:in|on|by)\s*:|posted\s*@|page revision\s*:|(?:on|in) this (?:page|article)\s*:?\s*$|posted by \S+(?: \S+){0,3}\s*$|(?:older|newer|previous|next) (?:posts?|article|entry)\s*$|this entry was posted|"
    r"\d+\s?min(?:ute)?s? read|was this (?:article|page|answer)? ?(?:helpful|useful)|"
    r"(?:(?:click )?(?:to )?(?:show|hide|toggle|expand|collapse) )(?:the )?(?:code )?(?:cell )?(?:source|outputs?|inputs?|code|contents?)\b|"
    r"(?:click to )?(?:show|hide|toggle|expand|collapse)\s*$|rate this (?:article|page|recipe)|"
    r"last (?:updated?|modified)\s*(?:[:@]|on\b)|"
    r"all rights reserved|copyright\s*(?:©|\(c\)|\d{4})|©|\(c\) \d{4}|"
    r"this (?:site|website|page) uses cookies|"
    r"we use (?:\w+ )?cookies(?: and| on (?:our|this)|\s*[.,]|(?: in order)? to (?:improve|ensure|personali|provide|give|"
    r"enhance|offer|analy|store|deliver|help|make|optimi|understand|track|remember|tailor|serve|show|bring)|$)|"
    r"\d[\d.,]*k? (?:likes?|views?|shares?|claps?|upvotes?|reads|retweets?|followers?|people (?:like|found) this)\s*$|"
    r"(?:点赞|赞同|喜欢|浏览|阅读|收藏|转发|分享|评论|回复|赞)(?:量|数)?\s*[:：(（]?\s*[\d.]+万?\s*[)）]?\s*$|"
    r"you (?:may|might) also like\s*(?:[:…]|$)|(?:leave|post|write|add) a (?:reply|comment)\b|comments (?:are )?(?:closed|off)\b|"
    r"to view the full|(?:create|register) (?:an?|a new) account\b|already have an account|already a member|"
    r"you (?:need|have|must) (?:to )?be (?:a (?:registered )?member|logged in|registered)|"
    r"(?:log|sign) in or (?:sign up|register)|(?:log|sign) in (?:now|here)\s*$|(?:skip|jump) (?:to (?:main )?)?(?:content|navigation)(?: links?)?\s*$|"
    r"lesen sie (?:auch|mehr|hier)|auch lesen|mehr (?:zum thema|dazu|zu diesem thema)\s*(?:[:»→]|$)|"
    r"weitere (?:aktuelle )?(?:artikel|beiträge|informationen|themen|meldungen)\s*(?:[:»→]|$)|zum weiterlesen|"
    r"das könnte (?:sie|dich|ihnen) auch|(?:auch interessant|zum thema)\s*(?:[:»→!]|$)|schlagw|quelle:|kategorien?:|"
    r"(?:wie bewerten sie|war) (?:der|die|das|diese[rsnm]?) (?:artikel|beitrag|seite)|"
    r"artikel (?:bewerten|teilen|drucken)|(?:rezept|seite) drucken|"
    r"(?:möchten sie )?(?:den|diesen) (?:artikel|beitrag) (?:teilen|mit)|der beitrag wurde|kommentare? geschlossen|"
    r"(?:zuletzt )?aktualisiert:|aufrufe:|kommentare insgesamt|für links auf dieser seite|"
    r"wir respektieren deine privatsphäre|was sind cookies|"
    r"czytaj (?:też|także)|zobacz także|źródło:|ten tekst przeczytasz|"
    r"lire aussi|à lire aussi|permalien|lea también|vea también|leer también|te puede interesar|"
    r"s[ií]guenos|únete|hazte miembro|ultima modifica|leggi anche|"
    r"[上下]一篇\s*(?:[:：»«>]|$)|(?:相关(?:文章|阅读|推荐)|推荐阅读)\s*(?:[:：]|$)|分享(?:到|至)|版权(?:声明|所有)|本文(?:作者|链接)[:：]|转载请|"
    r"(?:于\s*)?(?:19|20)\d\d-\d{1,2}-\d{1,2}[\d:\s]*(?:发布|发表|修改|编辑|更新)|(?:发布|发表|编辑|修改|更新)于\s*(?:19|20)\d\d|"
    r"扫(?:一扫|码(?:关注|下载|加))|关注(?:我们|公众号)|发表评论|点击(?:查看|这里)更多|阅读更多|标签[:：]|阅读(?:量|数)[:：])",
    re.I,
)
# Said by authors too: a notice with a link in it, or before or after all paragraphs of a page.
_DOUBTFUL = re.compile(
    r"\s*(?:advertisement|sponsored|share (?:this|on|via)\b|read (?:more|next)\b|see also:|"
    r"related (?:articles?|posts?|stories|topics|links)\b|more (?:from|stories)\b|subscribe\b|sign up\b|"
    r"log ?in to\b|like (?:this|recipe)\b|click here to\b|tags?:|filed under|categor(?:y|ies)\s*:|"
    r"posted (?:in|on|by)\b|sorted by\b|rate this\b|last (?:updated?|modified)\b|copyright\b|cookies?\b|"
    r"print this\b|e-?mail this\b|permalink|we recommend the\b|anzeige\b|werbung\b|reklama\b|teilen\b|"
    r"[上下]一篇|相关(?:文章|阅读|推荐)|推荐阅读|扫码|¡?mira lo que|zum thema\b|auch interessant\b|"
    r"weitere (?:aktuelle )?(?:artikel|beiträge|informationen|themen|meldungen)\b|das könnte (?:sie|dich|ihnen)\b|"
    r"you (?:may|might) also like\b|follow us\b)",
    re.I,
)
_OF_SITE = re.compile(
    r"\b(?:us|our|ours|we|you|your|here|this|site|website|newsletters?|account|blog|page|article|post|advertis\w+|"
    r"nuestr\w+|usted|youtube|nous|notre|votre|vous|uns(?:er\w*)?|wir|sie|ihre?n?|hier|artikel|beitrag|seite)\b|https?:|@|[\u3040-\u9fff]",
    re.I,
)
# The line of a photographer or an agency: names, and no sentence around them.
_CREDIT = re.compile(
    r"\s*\(?(?i:foto|fotos|photos?|bild|bilder|picture|kuva|image credit|photo credit|credits?|crédit photo|"
    r"foto de|imagen)(?:\s+(?i:by)\b|\s*[:©])\s*"
    r"(?:(?:[^\W\d_a-zß-ÿ]|(?i:dpa|afp|ap|epa|via|by|and|und|of|for|de|del|la|von|van|der|the|imago)\b)[^\s.!?]*\.?"
    r"(?:\s+|$)|[/|&©-]\s*){1,10}\)?\s*$"
    r"|[^.!?:]{0,60}(?i:getty images|shutterstock|istock|adobe stock|picture alliance|ap photo)[^.!?]{0,30}\s*$",
)
# The column beside a post: `Posts: 123`, `Joined: Mon Jan 2, 2012`, `Junior Member`.
_OF_POSTER = re.compile(
    r"\s*(?:(?:total )?(?:posts?|messages|threads|joined|registered|join date|member since|reputation|likes|thanks|thanked|"
    r"karma|rep power|beiträge|registriert|dabei seit|mensajes|注册时间|帖子|积分|主题)\s*[:：]\s*\S.{0,40}"
    r"|(?:junior|senior|new|full|registered|active|super|gold|elite)?\s*(?:member|moderator|administrator|user)"
    r"|#\d+|by\s*(?:»\s*.{0,60})?|answered .{0,60}|asked .{0,60}|edited .{0,60})\s*",
    re.I,
)


def is_of_poster(line: str) -> bool:
    """A line about the writer of a post in a discussion, not of what they wrote."""
    return len(line) <= _LONGEST_HEADING and (
        _OF_POSTER.fullmatch(line) is not None or is_date(line) or line.strip().isdigit()
    )


# What prompts, policies and the furniture of comments say wherever it stands in a line.
_PROMPT = re.compile(
    r"uses? cookies|storing of cookies|(?:of|our|des?|von|zu) cookies|(?:utili[sz]\w+|verwende\w*|usamos|usiamo|使用) ?(?:les )?cookies?|"
    r"cookies (?:propias|de terceros)|accept (?:all )?cookies|cookie (?:policy|settings|preferences)|privacy policy|"
    r"terms of (?:use|service)|newsletter|\byour inbox\b|unsubscribe|your e-?mail|e-?mail address|"
    r"(?:leave|post|add) a (?:reply|comment)|log ?in to|sign up (?:for|to)|create an account|"
    r"all rights reserved|©|\b(?:min(?:ute)?|hour|day|week|month|year)s? ago\b|affiliate|follow us|"
    r"share this (?:article|page|post|story)|\bread more\b|you (?:may|might) also like|"
    r"^\s*(?:reply|report|share|like|quote|permalink|advertisement)\s*$",
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
_LONGEST_HEADING = 60

# Headings of lists of other pages.
_RELATED = re.compile(
    r"\s*(?:related (?:articles?|posts?|stories|topics|links|news|content|products|videos|pages|reading|questions)\b|"
    r"you (?:may|might) also|similar (?:threads|questions|topics|posts|articles)\b|more (?:stories|articles|posts)\b|"
    r"recommended (?:articles|posts|reading|for you)|(?:latest|recent|popular) (?:news|posts|articles|stories)|"
    r"trending (?:now|news|posts|topics|stories|articles)|"
    r"about the author|read next|what to read next|"
    r"ähnliche (?:beiträge|artikel|themen)|verwandte (?:beiträge|artikel|themen)|"
    r"weitere (?:\w+ )?(?:artikel|beiträge|themen|meldungen|tourentipps)|"
    r"(?:neueste|aktuelle|letzte|kommentierte) (?:artikel|beiträge|meldungen|kommentare|nachrichten)|"
    r"das könnte (?:sie|dich|ihnen)|auch interessant|mehr (?:zum thema|aus|von|zu diesem)|lust auf mehr|"
    r"über (?:den autor|die autorin|diese reihe)|"
    r"art[ií]culos relacionados|noticias relacionadas|te puede interesar|lo más|"
    r"articles (?:similaires|liés)|sur le même (?:sujet|thème)|articoli correlati|powiązane|zobacz także|"
    r"相关(?:文章|阅读|推荐|内容)|推荐阅读|热门(?:文章|推荐)|最新文章|猜你喜欢)",
    re.I,
)
# The same in words that head an author's sections too.
_MAYBE_RELATED = re.compile(
    r"\s*(?:related\b|more (?:from|on|about)\b|trending|verwandte|see also)", re.I
)

# "3 Comments", "No responses so far", "Comments (35)", "Leave a reply": what readers wrote below a
# text.
_COMMENTS = re.compile(
    r"\s*(?:(?:\d+|no|one|two|three)\s+(?:comments?|responses?|replies|thoughts on|kommentare?|antworten|commentaires?|"
    r"comentarios?|komentarz[ey]?)\b|(?:comments?|kommentare?|commentaires|comentarios|评论)\s*(?:\(\d+\)|:?\s*$)|"
    r"(?:leave|post|write|add) a (?:reply|comment)|(?:schreibe|hinterlasse) einen kommentar|join the (?:discussion|conversation)|"
    r"laisser un commentaire|deja un(?:a respuesta| comentario)|发表(?:评论|回复))",
    re.I,
)


def is_comments_heading(line: str) -> bool:
    """A heading over what readers wrote below a text."""
    return len(line) <= _LONGEST_HEADING and _COMMENTS.match(line) is not None


def is_notice(line: str, *, linked: bool = False, at_edge: bool = False) -> bool:
    """A short line such as "Read also: …", "All rights reserved" or "Photo: …".

    Lines that authors write too ("Cookies are sold in boxes of twelve.") are notices only where
    they are `linked` (a link stands in the line) or `at_edge` (no paragraph of the page stands on
    one side).
    """
    if len(line) > _LONGEST:
        return False
    if _SURE.match(line) is not None or _CREDIT.match(line) is not None:
        return True
    if not (linked or at_edge) or _DOUBTFUL.match(line) is None:
        return False
    # "Cookies come in tins of 24." speaks of no site and to no reader.
    return linked or not ends_a_sentence(line) or _OF_SITE.search(line) is not None


@lru_cache(maxsize=1024)
def is_prompt(line: str) -> bool:
    """Words of a cookie banner, a newsletter or login prompt, a policy or a comment's furniture."""
    return _PROMPT.search(line) is not None or is_date(line)


def is_related_heading(line: str, *, linked: bool = False) -> bool:
    """A heading under which a site lists other pages of its own; `linked`: links stand below it."""
    if len(line) > _LONGEST_HEADING:
        return False
    return _RELATED.match(line) is not None or (linked and _MAYBE_RELATED.match(line) is not None)


def is_date(line: str) -> bool:
    """A date, with or without the time of day, and nothing else."""
    return len(line) <= _LONGEST_DATE and _DATE.fullmatch(line) is not None
