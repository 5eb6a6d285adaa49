"""What people ask for and offer: the vocabulary of skills and goods in families, with stable ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from handlers.messages import Named, Text, _

if TYPE_CHECKING:
    from handlers.context import Core

FAMILIES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "medical": _("Medicine and health"),
        "food": _("Food and drink"),
        "care": _("Company and everyday things"),
        "transport": _("Rides and carrying"),
        "home": _("House and repairs"),
        "shelter": _("Shelter"),
        "people": _("Children and elders"),
        "animals": _("Animals"),
        "language": _("Languages"),
        "legal": _("Papers and rights"),
        "digital": _("Phones and computers"),
        "energy": _("Energy and water"),
        "rescue": _("Search and rescue"),
        "coordination": _("Organising"),
    }
)


@dataclass(frozen=True, slots=True)
class Skill:
    """One kind of help.

    verified_only: only people are asked whom a coordinator has verified for it.
    instead: other skills that could do when nobody with this one is left, the best first.
    """

    id: str
    family: str
    label: Text
    verified_only: bool = False
    instead: tuple[str, ...] = ()


def _is(id_: str, family: str, label_: Text, *instead: str, verified_only: bool = False) -> Skill:
    return Skill(id_, family, label_, verified_only, instead)


# The ids stand in databases: a label may change, an id never.
_ALL: Final = (
    _is("medicine", "medical", _("Fetch medicine"), "delivery", "transport"),
    _is("first_aid", "medical", _("First aid and care"), "nursing", "doctor", verified_only=True),
    _is("nursing", "medical", _("Nursing and injections"), "doctor", "first_aid", verified_only=True),
    _is("doctor", "medical", _("A doctor's advice"), "nursing", verified_only=True),
    _is("midwife", "medical", _("Pregnancy and newborn care"), "doctor", "nursing", verified_only=True),
    _is("counselling", "medical", _("Help for the mind"), "doctor", verified_only=True),
    _is("medical_supplies", "medical", _("Bandages and health supplies"), "medicine", "goods"),
    _is("mobility_aids", "medical", _("Wheelchair or walking aid"), "goods"),
    _is("food", "food", _("Food and shopping"), "meals", "delivery"),
    _is("meals", "food", _("Cook for many people"), "food"),
    _is("baby_food", "food", _("Baby milk and baby food"), "food", "delivery"),
    _is("drinking_water", "food", _("Drinking water"), "food", "delivery"),
    _is("special_food", "food", _("Food for a special diet"), "food"),
    _is("company", "care", _("Company or a visit"), "elder_care", "errands"),
    _is("accompanying", "care", _("Go along to an appointment"), "company", "errands"),
    _is("errands", "care", _("Errands and queues"), "delivery", "food"),
    _is("personal_care", "care", _("Washing and dressing"), "elder_care"),
    _is("cleaning", "care", _("Cleaning and laundry"), "errands"),
    _is("clothes", "care", _("Clothes and shoes"), "goods"),
    _is("bedding", "care", _("Blankets and bedding"), "goods"),
    _is("hygiene", "care", _("Soap and hygiene"), "goods", "food"),
    _is("goods", "care", _("Lend or give things")),
    _is("transport", "transport", _("A ride"), "wheelchair_ride"),
    _is("wheelchair_ride", "transport", _("A ride with a wheelchair")),
    _is("cargo", "transport", _("A lorry or trailer"), "carrying", "transport"),
    _is("carrying", "transport", _("Carry or move things"), "cargo"),
    _is("delivery", "transport", _("Bring or pick up things"), "transport", "errands"),
    _is("car_trouble", "transport", _("Car trouble"), "repair"),
    _is("bicycles", "transport", _("Bicycles"), "goods", "repair"),
    _is("repair", "home", _("Repairs at home")),
    _is("plumbing", "home", _("Water pipes and taps"), "repair"),
    _is("electrics", "home", _("Electrical work"), "repair"),
    _is("heating", "home", _("Boiler and heating"), "plumbing", "repair"),
    _is("appliances", "home", _("Household machines"), "repair"),
    _is("carpentry", "home", _("Doors, windows and wood"), "repair"),
    _is("locks", "home", _("Locks and keys"), "carpentry", "repair"),
    _is("building", "home", _("Roofs and walls"), "repair"),
    _is("tools", "home", _("Lend tools and ladders"), "goods"),
    _is("sewing", "home", _("Sewing and mending")),
    _is("gardening", "home", _("Garden work"), "trees"),
    _is("shelter", "shelter", _("A place to sleep"), "tents"),
    _is("tents", "shelter", _("Tents and camping things"), "goods"),
    _is("storage_room", "shelter", _("Store things safely")),
    _is("washing_place", "shelter", _("A shower or a place to wash"), "shelter"),
    _is("warm_place", "shelter", _("A warm or cool room for a day"), "venue", "shelter"),
    _is("childcare", "people", _("Look after children"), "tutoring", "school_run", verified_only=True),
    _is("school_run", "people", _("To and from school"), "childcare", verified_only=True),
    _is("tutoring", "people", _("Homework and lessons"), "childcare", verified_only=True),
    _is("baby_things", "people", _("Nappies and baby things"), "goods"),
    _is("toys", "people", _("Toys and school things"), "goods"),
    _is("elder_care", "people", _("Look after older people"), "personal_care", "company"),
    _is("pets", "animals", _("Look after animals"), "animal_rescue"),
    _is("pet_food", "animals", _("Food for animals"), "pets", "goods"),
    _is("vet", "animals", _("A vet"), "pets"),
    _is("animal_rescue", "animals", _("Lost or trapped animals"), "pets"),
    _is("animal_transport", "animals", _("A ride for an animal"), "pets", "transport"),
    _is("interpreting", "language", _("Interpreting"), "translating"),
    _is("translating", "language", _("Translating papers"), "interpreting"),
    _is("sign_language", "language", _("Sign language")),
    _is("language_lessons", "language", _("Language lessons"), "interpreting"),
    _is("papers", "legal", _("Forms and papers"), "benefits"),
    _is("legal_advice", "legal", _("Legal advice")),
    _is("asylum", "legal", _("Residence and asylum"), "legal_advice", "papers"),
    _is("benefits", "legal", _("Benefits and social services"), "papers"),
    _is("money", "legal", _("Taxes, debts and insurance"), "papers"),
    _is("work", "legal", _("Finding work"), "papers"),
    _is("digital", "digital", _("Phone and computer")),
    _is("internet", "digital", _("Internet and Wi-Fi"), "digital"),
    _is("devices", "digital", _("Lend a phone or computer"), "goods"),
    _is("printing", "digital", _("Printing and copying"), "papers"),
    _is("charging", "energy", _("Charge phones and devices"), "power"),
    _is("power", "energy", _("Generators and electricity"), "charging", "electrics"),
    _is("heaters", "energy", _("Heaters, gas and firewood"), "goods", "bedding"),
    _is("lights", "energy", _("Lamps and batteries"), "goods"),
    _is("fuel", "energy", _("Petrol and diesel"), "transport"),
    _is("washing_water", "energy", _("Water for washing"), "drinking_water"),
    _is("pumping", "energy", _("Pump out water"), "digging"),
    _is("digging", "rescue", _("Dig and clear rubble"), "carrying"),
    _is("searching", "rescue", _("Search for people"), "reunite"),
    _is("boats", "rescue", _("Boats")),
    _is("sandbags", "rescue", _("Sandbags and flood barriers"), "digging", "carrying"),
    _is("building_check", "rescue", _("Check if a building is safe"), "building"),
    _is("trees", "rescue", _("Fallen trees and chainsaws"), "gardening", "digging"),
    _is("reunite", "rescue", _("Find relatives"), "searching"),
    _is("organising", "coordination", _("Organise people"), "office"),
    _is("office", "coordination", _("Telephones and lists"), "organising"),
    _is("sorting", "coordination", _("Sort and pack things"), "carrying"),
    _is("running_shelter", "coordination", _("Help in a shelter"), "organising", "meals"),
    _is("watch", "coordination", _("Stewards and night watch"), "organising"),
    _is("venue", "coordination", _("A room to meet or work in"), "storage_room"),
    _is("other", "", _("Something else")),
)
SKILLS: Final[Mapping[str, Skill]] = MappingProxyType({skill.id: skill for skill in _ALL})
OTHER: Final = "other"

# What people need most often: shown first when their words tell nothing.
COMMON: Final = ("medicine", "food", "transport", "company", "shelter", "carrying", "repair", "papers")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All skills of a union: ours, and its own.

    synonyms: for each language and each of its own skills the phrases that speak of it.
    """

    skills: Mapping[str, Skill] = field(default_factory=lambda: SKILLS)
    synonyms: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of its own, by language

    def of(self, skill: str) -> Skill:
        """The skill of an id; one that was taken out is something else."""
        return self.skills.get(skill, SKILLS[OTHER])

    def family(self, family: str) -> tuple[Skill, ...]:
        return tuple(skill for skill in self.skills.values() if skill.family == family)


def of(core: Core, skill: str) -> Skill:
    """A skill of ours or of the union's own."""
    return core.vocabulary.of(skill)


def label(skill: str) -> Text:
    """What a skill is called; the union's own are looked up last, in the language of the reader."""
    known = SKILLS.get(skill)
    return known.label if known is not None else Named(SKILLS[OTHER].label.message, key=skill)


def covered(skills: Iterable[str]) -> set[str]:
    """What is meant no more by a vague word beside these: in "fix the tap" the tap says it all."""
    found = [SKILLS[skill] for skill in skills if skill in SKILLS]
    beside_anything = {"goods", "delivery"} if found else set()  # "lend me ...", "bring me ..."
    return beside_anything.union(*(skill.instead for skill in found))
