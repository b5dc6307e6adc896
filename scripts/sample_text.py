"""Short texts in the languages of MTVQA, and LaTeX formulas.

Enough variety to train a small byte-level tokenizer and to ask questions about
pictures. `corpus` grows the phrases below into as many lines as are wanted; the
same seed gives the same lines.
"""

import random

# Language code of the data set -> (question, short answer) pairs.
QUESTIONS = {
    "AR": [
        ("ما هو اسم المتجر؟", "مكتبة النور"),
        ("ما الرقم المكتوب على اللوحة؟", "٤٧"),
        ("أين يقع المطعم؟", "شارع الملك"),
    ],
    "DE": [
        ("Was steht auf dem Schild?", "Ausfahrt freihalten"),
        ("Wie viel kostet der Käse?", "3,49 €"),
        ("In welcher Straße liegt das Café?", "Schlossstraße 12"),
    ],
    "FR": [
        ("Quel est le nom de la boulangerie ?", "Au Pain d'Épices"),
        ("Quelle est l'heure d'ouverture ?", "8h30"),
        ("Qu'est-ce qui est écrit sur l'affiche ?", "Fête de la forêt"),
    ],
    "IT": [
        ("Qual è il prezzo del caffè?", "1,20 €"),
        ("Come si chiama la piazza?", "Piazza della Libertà"),
        ("Che cosa c'è scritto sul cartello?", "Vietato entrare"),
    ],
    "JA": [
        ("看板には何と書いてありますか？", "営業中"),
        ("この駅の名前は何ですか？", "ひばりが丘"),
        ("コーヒーはいくらですか？", "四百円"),
    ],
    "KR": [
        ("간판에 무엇이 적혀 있습니까?", "한국 식당"),
        ("몇 번 출구입니까?", "3번 출구"),
        ("이 가게는 언제 문을 엽니까?", "오전 열 시"),
    ],
    "RU": [
        ("Что написано на вывеске?", "Книжный магазин"),
        ("Как называется улица?", "Садовая улица"),
        ("Сколько стоит билет?", "сорок рублей"),
    ],
    "TH": [
        ("ป้ายเขียนว่าอะไร", "ร้านอาหาร"),
        ("ราคาเท่าไร", "สี่สิบบาท"),
        ("ถนนนี้ชื่ออะไร", "ถนนสุขุมวิท"),
    ],
    "VI": [
        ("Tên của cửa hàng là gì?", "Hiệu sách Hòa Bình"),
        ("Giá của món phở là bao nhiêu?", "bốn mươi nghìn đồng"),
        ("Biển báo viết gì?", "Cấm đỗ xe"),
    ],
}

_FORMULAS = [
    r"\frac { @ } { @ } + \sqrt { @ }",
    r"\int _ { @ } ^ { @ } d x \, \exp ( - x ^ { 2 } / @ )",
    r"\sum _ { n = 0 } ^ { \infty } \frac { @ ^ { n } } { n ! }",
    r"\left( \partial _ { \mu } @ \right) \left( \partial ^ { \mu } @ \right) .",
    r"\alpha _ { @ } = \beta \gamma ^ { @ } \quad \delta \to \epsilon",
    r"\mathrm { t r } \, F _ { \mu \nu } F ^ { \mu \nu } = \tilde { @ } ,",
    r"\begin{array} { c c } { @ } & { @ } \\ { @ } & { @ } \end{array}",
    r"\hat { H } \psi = E \psi , \qquad \bar { @ } \cdot \vec { @ } \geq 0",
    r"\omega ( @ ) \equiv \lim _ { @ \to 0 } \Gamma ( @ + 1 ) \otimes \theta",
]
_SYMBOLS = ["a", "b", "k", "m", "x", "y", "z", "1", "2", "3", "7", r"\pi",
            r"\lambda", r"\sigma", r"\phi", "p _ { 0 }", "q ^ { 2 }"]

_ENGLISH = [
    "You are a helpful assistant.",
    "Using LaTeX to perform OCR on the image.",
    "Answer the question using a word or phrase in the language of the question.",
    "The entropy falls in the later layers.",
    "system user assistant question answer image picture formula token layer",
]


def formula(rng):
    """One formula, its tokens separated by single spaces."""
    text = rng.choice(_FORMULAS)
    while "@" in text:
        text = text.replace("@", rng.choice(_SYMBOLS), 1)
    return text


def corpus(lines=3000, seed=1):
    """`lines` lines of all languages and of LaTeX in a shuffled order."""
    rng = random.Random(seed)
    words = {language: " ".join(q + " " + a for q, a in pairs).split()
             for language, pairs in QUESTIONS.items()}
    out = list(_ENGLISH)
    while len(out) < lines:
        kind = rng.randrange(4)
        if kind == 0:
            out.append(formula(rng))
        elif kind == 1:
            question, answer = rng.choice(QUESTIONS[rng.choice(list(words))])
            out.append(f"{question}\n{answer}")
        elif kind == 2:
            language = rng.choice(list(words))
            out.append(" ".join(rng.choices(words[language], k=6)))
        else:
            out.append(rng.choice(_ENGLISH))
    rng.shuffle(out)
    return out
