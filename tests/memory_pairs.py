"""What was told long ago, and how somebody asks for it in other words; and the talk in between."""

from __future__ import annotations

PAIRS = {
    "English": [
        ("my favourite colour is teal", "which colour do I like?"),
        ("My favorite color is teal.", "Do you know my favourite colours?"),
        ("I have two dogs, Rex and Bella.", "What is my dog called?"),
        ("My sister Anna lives in Oslo.", "Where do my sisters live?"),
        ("I am allergic to peanuts.", "Do I have an allergy?"),
        ("I was born in 1984 in Lisbon.", "What is my year of birth?"),
        ("The server's password is hunter2.", "Which passwords did I tell you?"),
        ("We organised the conference in Vienna.", "Who was organizing conferences?"),
        ("My flight leaves at 7:40 on Friday.", "When do I fly?"),
        ("I work as a nurse in a children's hospital.", "What is my work?"),
        ("I've been learning Portuguese since March.", "Which language do I learn?"),
        ("The budget for the kitchen is 12,000 euros.", "How big was the kitchen's budget again?"),
        ("Our wedding was on 3 June 2011.", "When did we get wed?"),
        ("My car is a blue Skoda Fabia.", "What cars do I own?"),
        ("I never eat meat.", "What don't I eat?"),
        ("My doctor's appointment is on Tuesday at ten.", "Which appointments do I have with doctors?"),
        ("I travelled through Japan last spring.", "Where did I go traveling?"),
        ("My son Tim plays the violin.", "Who in my family is playing an instrument, a violin say?"),
        ("The meeting was cancelled because of snow.", "Why did they cancel our meetings?"),
        ("My café of choice is Chez Zoé.", "which cafe do I go to?"),
    ],
    "German": [
        ("Meine Lieblingsfarbe ist Türkis.", "Welche Farbe mag ich?"),
        ("Ich wohne in Zürich.", "In welcher Stadt wohnst du, und wo wohne ich?"),
        ("Meine Katzen heißen Minka und Moritz.", "Wie heißt meine Katze?"),
        ("Unser Auto steht in der Straße hinter dem Bahnhof.", "Wo stehen unsere Autos?"),
        ("Mein Geburtstag ist am 4. Mai.", "Wann habe ich Geburtstag?"),
        ("Ich arbeite als Krankenpfleger.", "Was ist meine Arbeit?"),
    ],
    "French": [
        ("Ma couleur préférée est le turquoise.", "Quelles couleurs est-ce que je prefere ?"),
        ("J'habite à Genève depuis trois ans.", "Dans quelle ville j'habite ?"),
        ("Mes chats s'appellent Félix et Zoé.", "Comment s'appelle mon chat ?"),
        ("Je travaille comme infirmière.", "Quel est mon travail ?"),
        ("L'anniversaire de ma sœur est le 4 mai.", "C'est quand, l'anniversaire de ma soeur ?"),
    ],
    "others": [
        ("Я живу в Москве и люблю бирюзовый цвет.", "какой цвет я люблю?"),
        ("Mi color favorito es el turquesa.", "¿Cuáles son mis colores favoritos?"),
        ("我最喜欢的颜色是青色。", "我喜欢什么颜色？"),
        ("私の好きな色は青緑です。", "私が好きな色は何ですか？"),
        ("내가 좋아하는 색은 청록색이야.", "내가 좋아하는 색이 뭐야?"),
    ],
    "no word in common": [
        ("My favourite colour is teal.", "Which shade do I prefer?"),
        ("I live in Oslo.", "Where is my home?"),
        ("My cat is called Tom.", "Do I have pets?"),
        ("I am a nurse.", "What is my job?"),
    ],
}

TALK = [
    ("What is the weather like in {place}?", "It is mild and cloudy."),
    ("How do I like to boil {number} eggs?", "Eight minutes in boiling water."),
    ("Was ist {number} mal 7?", "Das ist eine Zahl."),
    ("Which train goes to {place}?", "There is one at nine."),
    ("Quel temps fait-il à {place} ?", "Il fait beau."),
    ("Tell me what people do in {place} when it rains.", "They go to the museum, which I like."),
    ("Wie komme ich nach {place}, und was kostet das?", "Mit dem Zug, das kostet wenig."),
    ("What is {number} divided by 3?", "I have no calculator."),
    ("Est-ce que le musée de {place} est ouvert ?", "Oui, je crois."),
    ("Please write a sentence about {place}.", "It is a lovely town by a river."),
    ("今天天气怎么样？{number}", "今天是晴天。"),
    ("Где находится {place}?", "Это в Европе."),
]
PLACES = ("Rome", "Lima", "Bern", "Turin", "Porto", "Graz", "Lyon", "Cork", "Bergen", "Ghent")


def other_talk(count):
    """Return so many turns about other things, most of them different."""
    for n in range(count):
        asked, answered = TALK[n % len(TALK)]
        yield asked.format(place=PLACES[n % len(PLACES)], number=n + 11), answered
