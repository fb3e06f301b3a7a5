"""Words that mark a page as sexual content, English and Chinese.

The paper drops a page with any such word and does not publish its list. With so hard a rule a word
earns its place only if nothing else in a mathematics corpus is spelt like it, so this list is short
and leaves out what published lists hold and mathematics uses: "Anal." of journal titles, "cum" and
"cum." of statistics, "XXX" for thirty, "vibrator" of mechanics, "hard-core" of statistical physics,
内射 (injective), the 性交 inside 线性交换, the 口交 inside 接口交换.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ENGLISH = """
bdsm blowjob blowjobs brazzers bukkake camgirl camgirls camwhore cocksucker cocksucking creampie
creampies cumshot cumshots cumslut cunnilingus deepthroat deepthroating dildo dildos fellatio
femdom footjob gangbang gangbangs handjob handjobs hentai jizz livesex masturbate masturbates
masturbating masturbation milf milfs nympho porn pornhub porno pornos pornstar pornstars redtube
rimjob sexcam sexcams sexvideo sexvideos slutty strapon titjob upskirt upskirts xhamster xnxx
xvideos youporn
"""
ENGLISH = frozenset(_ENGLISH.split())

# 成人电影票 is a cinema ticket in many word problems, 亲自慰问 a visit, 做爱心 a deed of charity.
_CHINESE = re.compile(
    r"成人(?:视频|影片|影片网|小说|網站|网站)|成人电影(?!票)|成人電影(?!票)|色情(?:视频|电影|小说|影片|直播)"
    r"|裸聊|黄片|巨乳|颜射|顏射|鸡巴|雞巴|淫荡|淫蕩|淫水|淫穴|骚穴|騷穴|骚逼|操逼|无码(?:视频|高清|影片)"
    r"|(?<!亲)(?<!親)自慰(?!问|問)|做爱(?![心好情国])|做愛(?![心好情國])|AV女优|AV女優"
)


def count_nsfw(words: Iterable[str], text: str) -> int:
    """Occurrences: whole English words among `words` (any letter case), Chinese terms in `text`."""
    english = sum(word.lower() in ENGLISH for word in words)
    return english + sum(1 for _ in _CHINESE.finditer(text))
