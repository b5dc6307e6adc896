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


# Plain words of signs, menus and papers, for a vocabulary with more of each
# language than the questions above have.
_WORDS = {
    "AR": "مدرسة مستشفى مطعم صيدلية مفتوح مغلق ممنوع الوقوف مدخل مخرج مدينة "
          "شارع ميدان سوق خبز قهوة شاي ماء سعر ريال درهم جنيه هاتف عنوان كتاب "
          "جريدة قطار محطة مطار تذكرة غرفة فندق جامعة متحف حديقة بحر جبل "
          "الأحد الاثنين الثلاثاء الأربعاء الخميس الجمعة السبت صباحا مساء",
    "DE": "Bahnhof Eingang Ausgang geöffnet geschlossen Apotheke Bäckerei "
          "Krankenhaus Straße Platz Markt Brot Kaffee Wasser Preis Euro "
          "Telefon Anschrift Buch Zeitung Zug Flughafen Fahrkarte Zimmer "
          "Gasthof Schule Museum Garten Montag Dienstag Mittwoch Donnerstag "
          "Freitag Samstag Sonntag Morgen Abend Achtung verboten bitte nicht",
    "FR": "gare entrée sortie ouvert fermé pharmacie boulangerie hôpital rue "
          "place marché pain café eau prix téléphone adresse livre journal "
          "train aéroport billet chambre hôtel école musée jardin lundi mardi "
          "mercredi jeudi vendredi samedi dimanche matin soir attention "
          "interdit défense d'entrer s'il vous plaît pâtisserie fromage",
    "IT": "stazione ingresso uscita aperto chiuso farmacia panificio ospedale "
          "via piazza mercato pane acqua prezzo telefono indirizzo libro "
          "giornale treno aeroporto biglietto camera albergo scuola museo "
          "giardino lunedì martedì mercoledì giovedì venerdì sabato domenica "
          "mattina sera attenzione vietato fumare gelateria formaggio città",
    "JA": "入口 出口 営業時間 定休日 薬局 病院 学校 図書館 駅前 広場 市場 パン "
          "コーヒー お茶 水 値段 税込 電話番号 住所 本 新聞 電車 空港 切符 部屋 "
          "ホテル 大学 美術館 公園 月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日 "
          "午前 午後 注意 禁止 ください ありがとうございます ラーメン 東京 京都 大阪",
    "KR": "입구 출구 영업 시간 휴무 약국 병원 학교 도서관 광장 시장 빵 커피 차 물 "
          "가격 전화번호 주소 책 신문 기차 공항 표 방 호텔 대학교 미술관 공원 월요일 "
          "화요일 수요일 목요일 금요일 토요일 일요일 오전 오후 주의 금지 감사합니다 "
          "어서 오세요 김밥 냉면 서울 부산 대구 편의점 화장실 주차장",
    "RU": "вход выход открыто закрыто аптека пекарня больница школа улица "
          "площадь рынок хлеб кофе чай вода цена рубль телефон адрес книга "
          "газета поезд вокзал аэропорт билет комната гостиница университет "
          "музей сад понедельник вторник среда четверг пятница суббота "
          "воскресенье утро вечер внимание запрещено пожалуйста сыр город",
    "TH": "ทางเข้า ทางออก เปิด ปิด ร้านขายยา โรงพยาบาล โรงเรียน ถนน ตลาด ขนมปัง "
          "กาแฟ ชา น้ำ ราคา บาท โทรศัพท์ ที่อยู่ หนังสือ หนังสือพิมพ์ รถไฟ สถานี สนามบิน "
          "ตั๋ว ห้อง โรงแรม มหาวิทยาลัย พิพิธภัณฑ์ สวน วันจันทร์ วันอังคาร วันพุธ "
          "วันพฤหัสบดี วันศุกร์ วันเสาร์ วันอาทิตย์ เช้า เย็น ระวัง ห้าม กรุงเทพ",
    "VI": "lối vào lối ra mở cửa đóng cửa nhà thuốc tiệm bánh bệnh viện "
          "trường học đường phố quảng trường chợ bánh mì cà phê trà nước giá "
          "điện thoại địa chỉ sách báo tàu hỏa sân bay vé phòng khách sạn đại "
          "học bảo tàng công viên thứ hai thứ ba thứ tư thứ năm thứ sáu thứ "
          "bảy chủ nhật buổi sáng buổi tối chú ý cấm vui lòng Hà Nội",
}


def words(lines=3000, seed=1):
    """`lines` lines of such words, one language a line."""
    rng = random.Random(seed)
    split = {language: text.split() for language, text in _WORDS.items()}
    return [" ".join(rng.choices(split[rng.choice(list(split))], k=7))
            for _ in range(lines)]
