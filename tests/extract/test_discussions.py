"""Forums and questions: several posts are the text; names, dates, scores and buttons are not."""

from __future__ import annotations

from infimm_spark.extract import extract_page

_QUESTION = "How does one show that the map is injective when its kernel holds nothing but zero?"
_ANSWER = (
    "Take two vectors with the same image; their difference lies in the kernel, so it is zero."
)
_REMARK = (
    "The same proof works for groups, with the identity in the place of zero, as is well known."
)


def _text(html: str) -> str:
    return extract_page(html.encode(), url="https://example.org/t/1").text


def _post(number: int, text: str) -> str:
    return (
        f'<article class="comment" id="comment-{number}"><div class="post-author">poster{number}</div>'
        f'<div class="post-meta">May {number}, 2024</div><div class="comment-body"><p>{text}</p></div>'
        f'<div class="reactions">{number} likes</div><div class="signature">Sent from my desk</div></article>'
    )


def test_posts_named_comments_are_the_text_of_a_thread() -> None:
    """Posts of a forum that calls them comments stay, what stands around them goes."""
    posts = "".join(_post(n, text) for n, text in enumerate((_QUESTION, _ANSWER, _REMARK), 1))
    text = _text(
        '<body><div itemscope itemtype="https://schema.org/DiscussionForumPosting"><h1>Kernels</h1>'
        f'<div id="comments">{posts}</div></div></body>'
    )
    assert all(sentence in text for sentence in (_QUESTION, _ANSWER, _REMARK))
    assert "poster1" not in text
    assert "likes" not in text
    assert "Sent from" not in text


def test_comments_below_an_article_go() -> None:
    """Also when they are longer than it."""
    article = "<p>The kernel of a linear map is the set of vectors that it sends to zero. </p>" * 10
    posts = "".join(_post(number, f"{_REMARK} {number}") for number in range(1, 13))
    text = _text(f'<body><article>{article}</article><div id="comments">{posts}</div></body>')
    assert "The kernel of a linear map" in text
    assert _REMARK not in text


def test_answers_stay_and_remarks_on_them_go() -> None:
    """A question with its answers; the comments under an answer are no part of it."""
    text = _text(
        '<html itemscope itemtype="https://schema.org/QAPage"><body><div class="question"><h1>Injective</h1>'
        f'<p>{_QUESTION}</p></div><div class="answer"><div class="vote-count">12</div><p>{_ANSWER}</p>'
        f'<div class="user-info">answered Jan 3 by someone</div><div class="comments"><div class="comment-body">'
        f"{_REMARK}</div></div></div></body></html>"
    )
    assert _QUESTION in text
    assert _ANSWER in text
    assert _REMARK not in text
    assert "someone" not in text
    assert "12" not in text
