"""What the bot understands from plain words: tables of sentences, parted by `|`, in two languages."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.lexicon import Intent, Lexicons
from handlers.phrases import Pattern, Phrasebook, frame, normalise, plain, squeeze
from tests.words import lexicons

LEXICONS = lexicons()

SOS = """
sos | SOS!!! | soooos | S.O.S. | s0s | 🆘 | ＳＯＳ | 𝐒𝐎𝐒 | sоs | s\u200bo\u200bs | SOS my brother collapsed
mayday mayday | help my father fell | heeelp my mum fell down the stairs | He doesn't wake up
she wont wake up please | he is not waking up | not breathing | my baby is not breathing
she stopped breathing | I can’t breathe | i cant breath | my son is choking | there is a fire
There's a fire in the kitchen | my house is on fire | FIRE!!! | the building is burning | we smell gas
bleeding | she is bleeding a lot | he won't stop bleeding | my wife is bleding badly | so much blood
heart attack | I think he's having a heart attack | my dad just had a heart attack | I have chest pain
she is unconcious | someone is breaking in | there's someone in my house | he has a knife
my husband is beating me | he's going to kill me | I want to kill myself | i want to die
I'm going to end my life | I don't want to live anymore | he wants to kill himself | call an ambulance
please send an ambulence | call 112 | call the police | it's an emergency | this is an emergency please
we are trapped in the lift shaft, water is rising | my daughter is having a seizure
grandma collapsed and isn't responding | he was stabbed | I've been shot | I was just attacked
hit by a car | my child is missing | her water broke | the baby is coming now | hеlp hеlp hеlp
my father has fallen and can't get up | my neighbour is unconscious | he took too many pills
stroke, face drooping | llama a una ambulancia | Llamen una ambulancia por favor | necesito una anbulancia
socorro | SOCORROOOO | sokorro | ¡auxilio! | se ha caído y no se mueve | mi padre se ha caído y no responde
no respira | mi bebé no respira | no puedo respirar | dejó de respirar | hay fuego
hay un incendio en mi edificio | mi casa se está quemando | huele a gas | estamos atrapados | hay mucho humo
está sangrando mucho | no para de sangrar | le ha dado un infarto | creo que es un ictus
mi abuela está inconsciente | están intentando entrar en casa | mi marido me está pegando | me quiere matar
tiene un cuchillo | me están siguiendo | quiero matarme | me quiero morir | no quiero vivir
voy a suicidarme | quiero quitarme la vida | llama a la policía | es una emergencia | esto es una emerjencia
mi hijo está convulsionando | se está ahogando | lo han atropellado | ha roto aguas
mi madre se ha desmayado y no reacciona | no se despierta | se atragantó | me duele mucho el pecho
mi hija ha desaparecido
"""

MAYBE = """
help | Help!! | help me | please help me | HEEEELP | hlep | come quick, emergency | I feel like dying
I can't go on | i can't take it anymore | my father fell | I fell | I don't feel safe | need help now
someone please help | ayuda | ayudaaaa | ¡Ayúdame! | por favor ayuda | aiuda | no puedo más
estoy en peligro | tengo miedo de mi marido | mi abuela se ha caído | necesito ayuda urgente
ya no puedo seguir así | no me siento segura
"""

SOFT = """
I had a heart attack last year | I don't want to die, don't worry | my mother survived a stroke two years ago
he had a stroke last month and is at home | tuve un infarto el año pasado | no está sangrando
mi padre tuvo un ictus hace dos años | on the news a house is on fire
"""

HARMLESS = """
my boss is killing me | fire drill tomorrow | my back is killing me
this heat is killing me | you're killing me lol | dying to see you | I'm dying of laughter
my phone is dying | I would die for a coffee | is there a fire drill on Monday? | where is the fire station
the fire extinguisher needs checking | it's not an emergency | not an emergency, just a question
this isn't an emergency | no emergency here | in case of emergency call Ana | who is the emergency contact?
what does sos mean | the SOS button doesn't work | false alarm, sorry | he is fine now
my grandfather fell in love again | I fell asleep | she fell asleep on the bus | prices fell last week
my father fell last year | I'm drowning in paperwork | stuck in traffic | trapped in meetings all day
the team is on fire today | you're fired | nobody was hurt
he is not bleeding | she's breathing normally | a stroke of luck | the film is called Help
suicide prevention talk on Friday | blood donation on Saturday | I need a blood test
we are moving house in May | she is not moving house | I can't wake up early | I can't go on Saturday
bleeding edge software | cutting edge | breaking in new shoes | a campfire in the park | fireworks at ten
I work for the fire brigade | first aid course
killing time | labour law meeting
see you at the meeting on Tuesday | the printer is broken again | they took my application at the town hall
good night all | the water is cut off until noon | can I pay with cash? | what time is it?
I'll be there at five | who is on duty tonight? | hello, how can I join? | what is hay fever
my child's birthday is on Sunday | the bus was late | I live at 911 Main Street | is it going to rain?
sounds good | I have two sisters | see you as soon as you arrive | let's talk tomorrow | ok | no | 1 | 112
he can't go on holiday | I nearly had a heart attack when I saw the bill | how are you? | the ship is here
🙂 | hot dogs | no es una emergencia | No es ninguna emergencia | mi jefe me está matando | el calor me mata
me muero de risa | me muero de hambre | me muero de ganas de verte | simulacro de incendio mañana
¿vos sos de aquí? | sos un genio
que sos tan amable | fuegos artificiales | cocinar a fuego lento | se ha caído internet
se me ha caído el móvil | se ha quedado dormido | primeros auxilios | curso de primeros auxilios
puesto de socorro | en caso de emergencia | el teléfono de emergencias | ahogado en deudas
atrapado en un atasco | casi me da un infarto | falsa alarma | no hay heridos
ya respira bien | mi tía Socorro vendrá mañana | el botón SOS no funciona | no llames a la policía
matar el tiempo | de infarto | ataque de risa | sin peligro | donar sangre | análisis de sangre
¿a qué hora es la asamblea? | mañana llevo el pan | he dejado las cajas en la puerta | la cita es el lunes
¿qué hay en casa? | no puedo ir hoy, lo siento | estoy en casa toda la tarde | vivo en la calle Verdi
no se levanta temprano | nos vemos luego | mi hermana vive aquí | la batería se muere | me duele la espalda
¿quién está de guardia? | buenas noches | sí | vale
"""

NEEDS = """
I need insulin = medicine | can someone fetch my medicine = medicine
I need someone to fetch my insulin, I can't walk = medicine
looking for a ride to hospital tomorrow = transport | I neeed foood = food
we ran out of baby milk = baby_food
could anybody walk my dog = pets | can you help me move a sofa = carrying
does anyone have a spare wheelchair = mobility_aids | I need help with forms = papers
we need a plumber, the sink is leaking = plumbing | my boiler is broken = heating
nowhere to sleep tonight = shelter | I'm lonely, could someone visit = company
need a babysitter on Friday = childcare | I need an interpreter for the doctor = interpreting
is there anyone who speaks Arabic = interpreting | my computer won't start = digital | I have no food = food
I'm so hungry = food | somone to look after my kids, please, I need it today = childcare
my mother needs a nurse = nursing | I need warm clothes = clothes
I need a lift to the airport and help with heavy boxes = transport carrying
can anyone lend me a ladder = tools | looking for a lawyer, I got an eviction notice = legal_advice
we need blankets and soup = bedding food | i ned medicin = medicine
I have a car but I need a driver = transport | can someone feed my cat = pets
I'd like some company = company | necesito comida = food | ¿alguien puede llevarme al médico? = transport
me hace falta un fontanero = plumbing | nesesito insulina = medicine
necesito a alguien que recoja mis medicinas = medicine | busco un sitio para dormir = shelter
¿alguien puede pasear a mi perro? = pets | necesito ropa de abrigo = clothes
¿me podéis ayudar con los papeles? = papers | se me ha roto la lavadora = appliances
no tengo comida para mis hijos = food | ¿quién puede cuidar a mis hijos mañana? = childcare
mi madre necesita compañía = company | necesito traducir una carta = translating
necesito un intérprete de árabe = interpreting | ayuda con la mudanza = carrying
me quedé sin pañales = baby_things | ¿alguien sabe arreglar un ordenador? = digital
no puedo pagar el alquiler = shelter | nos hacen falta mantas = bedding
necesitamos una enfermera para curar una herida = nursing | no tengo dónde dormir = shelter
¿alguien va a la farmacia? = medicine | me siento sola y quisiera hablar con alguien = company
necesito ayuda para rellenar un formulario = papers | ¿podría alguien hacerme la compra? = food
se busca veterinario = vet
"""

OFFERS = """
I have a van on Saturdays = transport | I can cook = food | I'd like to volunteer =
I can drive people to the hospital = transport | happy to help with paperwork = papers
I offer a spare room = shelter | we have a spare bed = shelter | I'm a nurse = nursing
I speak Arabic and French = interpreting | I can walk dogs = pets | I could babysit on weekends = childcare
I can fix computers = digital | count me in | how can I help? = | I have old blankets to give away = bedding
I can translate letters = translating | I'm a plumber and I have free time = plumbing
I want to donate clothes = clothes | I can look after your cat = pets
I can keep old people company = company | does anyone need a sofa? = goods
I can carry heavy boxes = carrying | I'm free on Tuesdays to drive = transport
i can pick up prescriptions = medicine | I know first aid = first_aid | puedo ayudar con papeles = papers
ofrezco una habitación = shelter | tengo una furgoneta los sábados = transport | puedo cocinar = food
me gustaría ser voluntaria = | quiero ayudar = | soy enfermera = nursing | hablo árabe = interpreting
puedo pasear perros = pets | me sobra ropa de bebé = clothes | puedo llevar gente en mi coche = transport
cuenten conmigo = | puedo cuidar niños por la tarde = childcare | sé primeros auxilios = first_aid
puedo ir a la farmacia = medicine | tengo una habitación libre = shelter | ¿en qué puedo ayudar? =
soy fontanero y puedo arreglar grifos = plumbing | puedo hacer compañía a personas mayores = company
dono muebles = goods | doy clases particulares = tutoring | puedo cargar cajas = carrying
puedo arreglar ordenadores = digital | me apunto para repartir comida = food
"""

NO_OFFERS = """
I can't walk | I can't cook | I can hardly see | no puedo cocinar | I can't drive anymore | no puedo conducir
I need to cook | solo hablo español | I only speak English | ¿alguien puede ayudar? | how do I get there? | no
"""

NO_NEEDS = """
no necesito nada, gracias | I don't need anything | you need to see this film | do you need me at the office?
if you need anything, I can bring it | si alguien necesita comida, puedo cocinar | the meeting is at six
la reunión es a las seis | does anyone need a sofa? | I can help with moving | I was looking forward to it
"""


def sentences(table: str) -> list[str]:
    parts = chain.from_iterable(line.split(" | ") for line in table.strip().splitlines())
    return [part.strip() for part in parts]


def with_skills(table: str) -> list[tuple[str, tuple[str, ...]]]:
    pairs = (sentence.partition("=") for sentence in sentences(table))
    return [(words.strip(), tuple(skills.split())) for words, _, skills in pairs]


@pytest.mark.parametrize("text", sentences(SOS))
def test_an_unmistakable_crisis_is_an_sos_in_any_language(text: str) -> None:
    assert LEXICONS.crisis(text) is Intent.SOS
    assert LEXICONS.understand(text, "fr").intent is Intent.SOS
    assert LEXICONS.understand(text, "en").urgent


@pytest.mark.parametrize("text", sentences(MAYBE))
def test_a_possible_crisis_is_asked_about(text: str) -> None:
    assert LEXICONS.crisis(text) is Intent.MAYBE_SOS
    assert LEXICONS.understand(text, "es").intent is Intent.MAYBE_SOS


@pytest.mark.parametrize("text", sentences(SOFT))
def test_a_crisis_that_is_denied_told_or_long_past_is_asked_about(text: str) -> None:
    assert LEXICONS.crisis(text) is Intent.MAYBE_SOS


@pytest.mark.parametrize("text", sentences(HARMLESS))
def test_everyday_words_alarm_nobody(text: str) -> None:
    assert LEXICONS.crisis(text) is None


@pytest.mark.parametrize(("text", "skills"), with_skills(NEEDS))
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_need_is_understood_whatever_the_language_is_thought_to_be(
    text: str, skills: tuple[str, ...], language: str
) -> None:
    understood = LEXICONS.understand(text, language)
    assert (understood.intent, understood.skills) == (Intent.NEED, skills)


@pytest.mark.parametrize(("text", "skills"), with_skills(OFFERS))
@pytest.mark.parametrize("language", ["en", "es"])
def test_an_offer_is_understood_whatever_the_language_is_thought_to_be(
    text: str, skills: tuple[str, ...], language: str
) -> None:
    understood = LEXICONS.understand(text, language)
    assert (understood.intent, understood.skills) == (Intent.OFFER, skills)


@pytest.mark.parametrize("text", sentences(NO_OFFERS))
def test_what_somebody_cannot_do_is_no_offer(text: str) -> None:
    assert LEXICONS.understand(text, "en").intent not in {Intent.OFFER, Intent.SOS}


MISREAD = """
need insulin, carrer Verdi 12 = medicine | necesito agua, vivo en la calle 2 de mayo = drinking_water
need watter = drinking_water | somos 4 personas sin agua = drinking_water
my mother is 82 and cannot walk, needs food = food | I haven't eaten in 2 days = food
we are so cold = bedding | tenemos mucho frío = bedding | my neighbour needs her pills = medicine
llevo 2 dias sin comer = food | necesito que me lleven al medico = transport
"""


@pytest.mark.parametrize("text", sentences(MISREAD))
def test_a_street_is_no_kind_of_help_and_going_without_is_a_need(text: str) -> None:
    words, skills = text.split(" = ")
    understood = LEXICONS.understand(words, "en")
    assert (understood.intent, understood.skills) == (Intent.NEED, tuple(skills.split()))


def test_water_in_a_ceiling_is_no_drinking_water() -> None:
    assert LEXICONS.skills("is anyone a plumber? water is leaking", "en") == ("plumbing",)


def test_who_mentions_a_car_and_needs_fuel_is_in_need() -> None:
    assert LEXICONS.understand("I have a car but no fuel, need petrol", "en").intent is Intent.NEED


@pytest.mark.parametrize("text", ["my mother has a broken hip", "I'm so scared", "tengo miedo"])
def test_a_broken_hip_is_no_repair_and_fear_is_asked_about(text: str) -> None:
    assert LEXICONS.understand(text, "en").intent is Intent.MAYBE_SOS


def test_the_word_for_there_is_in_spanish_is_no_animal_feed() -> None:
    understood = LEXICONS.understand("se ha caido una pared, hay gente atrapada debajo", "en")
    assert (understood.intent, understood.skills) == (Intent.SOS, ())


@pytest.mark.parametrize("text", sentences(NO_NEEDS))
def test_what_somebody_does_not_need_is_no_need(text: str) -> None:
    assert LEXICONS.understand(text, "en").intent not in {Intent.NEED, Intent.SOS}


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        *dict.fromkeys(["Thanks", "gracias!!", "thank you so much, Ben"], Intent.THANKS).items(),
        *dict.fromkeys(["hi", "Hola", "buenos días a todas", "hellooo"], Intent.GREETING).items(),
        *dict.fromkeys(["see you on Monday", "", "Gràcia"], Intent.NONE).items(),
    ],
)
def test_courtesy(text: str, intent: Intent) -> None:
    assert LEXICONS.understand(text, "en").intent is intent


@pytest.mark.parametrize(
    "text", sentences("I need milk, urgent | ASAP please | es urgente | lo antes posible")
)
def test_a_word_for_urgent_is_heard(text: str) -> None:
    assert LEXICONS.understand(text, "en").urgent


@pytest.mark.parametrize(
    "text", sentences("not urgent | no es urgente | no hurry | I need bread | sin prisa")
)
def test_no_hurry_is_heard_too(text: str) -> None:
    assert not LEXICONS.understand(text, "en").urgent


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        *dict.fromkeys(["yes", "Yes, please!", "sí", "SIII", "👍🏽", "ok gracias"], True).items(),
        *dict.fromkeys(["no", "No, thanks", "nope", "ahora no", "👎"], False).items(),
        *dict.fromkeys(["", "no, yes", "yes but not in the morning", "yesterday"]).items(),
    ],
)
def test_yes_and_no(text: str, answer: bool | None) -> None:
    assert LEXICONS.answer(text, "en") is answer
    assert LEXICONS.answer(text, "es") is answer


@pytest.mark.parametrize(
    "said", ["no ", "no no ", "yes yes please ", "no gracias ", "sí ", "ok thanks ", "não "]
)
def test_an_answer_that_is_said_again_and_again_is_heard_at_once(said: str) -> None:
    """Tried in all the ways in which it can be read, this test would have no end, nor the bot's turn."""
    for times in (5, 40, 160, 3_000):
        LEXICONS.answer(f"{said * times}help", "en")
    assert LEXICONS.answer("no " * 40, "en") is False
    assert LEXICONS.answer("no " * 40 + "help me", "en") is None


def test_the_longest_phrase_decides_on_a_skill_and_order_is_kept() -> None:
    assert LEXICONS.skills("dog food", "en") == ("pet_food",)
    assert LEXICONS.skills("bread, insulin and bread", "en") == ("food", "medicine")
    assert LEXICONS.skills("nothing in particular", "en") == ()


@pytest.mark.parametrize(
    ("text", "plain"),
    {
        "heeeelp": "help", "soooos": "sos", "S0S": "sos", "¿Médico?": "medico", "don't": "don t",
        "he\u200blp": "help", "hеlр": "help", " a \n\t b ": "a b", "1000 000": "1000 000", "N\x00O": "no",
        "помощь": "помощь", "пoмoщь": "помощь", "ПOЖEЖA": "пожежа", "п0жежа": "пожежа", "пожежi": "пожежи",
        "ґвалт пожежі її": "гвалт пожежи ии", "єдиный этаж": "единии етаж", "мʼяч": "м яч",
        "α0α": "aoa", "Straße": "strasse",
        "إسعاف أبي": "اسعاف ابي", "مُسَاعَدَة": "مساعده", "النجـــدة": "النجده", "مستشفى ماء": "مستشفي ما",
        "کمک می": "كمك مي",
        "يظربني": "يضربني", "١١٢ ۱۱۲ ११२": "112 112 112", "बच्चे को बचाओओओ": "बच्चे को बचाओ", "नहीं मैं": "नहि मै",
        "ज़हर ज़हर": "जहर जहर", "एम्बुलेन्स": "एंबुलेंस", "साँस फूली": "सांस फुलि", "गयी आये क्यों": "गइ आए क्यो",
        "हॉस्पिटल": "हास्पिटल", "বাঁচাও": "বাঁচাও", "é\u0301\ufe0f": "e", "ＨＥＬＰ": "help", "\ud800": "",
    }.items(),
)  # fmt: skip
def test_normalise(text: str, plain: str) -> None:
    assert normalise(text) == plain


@pytest.mark.parametrize(
    ("phrase", "heard"),
    {"wacht * überhaupt nicht": "wacht ueberhaupt nicht", "п'ять": "пʼять", "ґрати": "грати"}.items(),
)
def test_a_phrase_is_found_however_a_keyboard_has_its_letters(phrase: str, heard: str) -> None:
    book = Phrasebook(Path(), {"crisis": {"sure": [phrase]}})
    found = Pattern(book.section("crisis", "sure")).compiled
    assert found.search(frame(squeeze(plain(heard))))
    assert found.search(frame(squeeze(plain(phrase.replace("* ", "")))))


@settings(deadline=None)  # each pattern is compiled at its first use
@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_read_without_an_error_and_normalised_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    LEXICONS.understand(text, "en")
    LEXICONS.answer(text, "es")
    assert LEXICONS.crisis(text) in {None, Intent.SOS, Intent.MAYBE_SOS}


@settings(deadline=None)
@given(st.sampled_from(sentences(SOS + MAYBE + HARMLESS)), st.data())
def test_case_and_invisible_characters_hide_no_crisis(text: str, data: st.DataObject) -> None:
    changes = st.sampled_from(["{}", "{}\u200b", "\u00ad{}", "{}\u2060", "\ufeff{}", "{}\x00", "{}\ufe0f"])
    cases = st.sampled_from([str.upper, str.lower])
    disguised = "".join(data.draw(changes).format(data.draw(cases)(char)) for char in text)
    assert LEXICONS.crisis(disguised) is LEXICONS.crisis(text)


@pytest.mark.parametrize("phrase", ["a (b", "a b)", "{nobody} fell", "* help", "help *", "(a|b *) c", ""])
def test_a_malformed_phrase_is_refused_with_its_file(phrase: str, tmp_path: Path) -> None:
    (tmp_path / "xx").mkdir()
    file = tmp_path / "xx" / "crisis.toml"
    file.write_text(f'[crisis]\nsure = ["{phrase}"]\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"crisis\.toml"):
        Lexicons.load(tmp_path)


def test_without_any_language_nothing_is_understood(tmp_path: Path) -> None:
    assert Lexicons.load(tmp_path).understand("sos", "en").intent is Intent.NONE


def test_the_cheap_screen_hides_no_phrase(tmp_path: Path) -> None:
    (tmp_path / "xx").mkdir()
    phrases = '["a * b", "^ at $", "to * the? (on|of) it", "z*"]'
    words = '["a", "to", "it", "on", "at"]'
    (tmp_path / "xx" / "crisis.toml").write_text(
        f"[ordinary]\nwords = {words}\n[crisis]\nsure = {phrases}\n", encoding="utf-8"
    )
    small = Lexicons.load(tmp_path)
    assert {small.crisis(text) for text in ["a b", "a x y z b", "at", "to x of it", "zebra"]} == {Intent.SOS}
    assert {small.crisis(text) for text in ["a", "b a", "at it", "to of", "a 1 2 3 4 b"]} == {None}


def test_stretched_vowels_of_any_script_are_found(tmp_path: Path) -> None:
    (tmp_path / "xx").mkdir()
    (tmp_path / "xx" / "crisis.toml").write_text('[crisis]\nsure = ["बचाओ", "الحقوني"]\n', encoding="utf-8")
    small = Lexicons.load(tmp_path)
    assert {small.crisis(text) for text in ["बचाााओ", "बचाओओओ", "ब\u200dचाओ", "الحقوووني", "أَلحِقـوني"]} == {
        Intent.SOS
    }
    assert small.crisis("बच") is None
