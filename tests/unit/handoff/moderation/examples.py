"""Sentences on a phone line, written for these tests: theme -> violations, harmless ones that sound alike."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "threat": (
        (
            "i am going to come to your office and hurt somebody",
            "i know where you people work and i will be waiting outside",
            "if you don't refund me i will burn your building down",
            "i swear i will kill whoever is in charge there",
            "you will regret this when i find you",
            "tell your manager i will break his legs",
            "i've got a gun and i'm coming down there",
            "somebody is going to get stabbed if this is not fixed",
            "i'll blow the whole place up",
            "watch your back because i am coming for you",
            "i will make you bleed for this",
            "next time i see one of your drivers i will beat him up",
        ),
        (
            "i am going to come to your office to sign the papers",
            "the delivery guy was waiting outside my house",
            "there was a fire in the building and i need to make a claim",
            "this phone battery is killing me it dies in an hour",
            "i regret buying this plan can i cancel",
            "i broke my leg and need to claim on my insurance",
            "someone stole a gun from my car and i want to report it to my insurer",
            "how is this going to get fixed",
            "the tyre blew up on the motorway",
            "i want my money back please",
            "my nose would not stop bleeding so i went to the clinic",
            "your driver hit my mailbox",
        ),
    ),
    "abuse": (
        (
            "you are a worthless piece of trash",
            "shut up you stupid idiot",
            "are you retarded or what",
            "you disgusting pig go to hell",
            "what a dumb bitch you are",
            "fuck you and your whole company",
            "you people are animals and should be sent back",
            "i bet you are too ugly to get a real job",
            "you moron you can't even speak properly",
            "go back to your country you filthy foreigner",
            "you are the dumbest thing i ever talked to you imbecile",
            "screw you asshole",
        ),
        (
            "the parcel arrived and the thing inside was worthless",
            "that was a stupid mistake of mine sorry",
            "what the hell happened to my order",
            "this is the worst service i ever had",
            "i feel so dumb i forgot my pin again",
            "the trash was not collected this week",
            "can i get animal insurance for my pig",
            "i am a foreigner do i need a visa for that account",
            "the colour is ugly can i exchange it",
            "i can't speak right now can you call me back",
            "damn it i pressed the wrong button",
            "i want to go back to my old plan",
        ),
    ),
    "self_harm": (
        (
            "i don't want to live any more",
            "i have the pills in my hand and i'm going to take them all",
            "maybe everyone is better off without me",
            "i am thinking of ending my life tonight",
            "i just want to die",
            "there's no point in going on i'm going to kill myself",
            "i've been cutting myself again",
            "i am standing on the bridge and i want to jump",
            "nobody would miss me if i was gone for good",
            "i wrote a goodbye letter to my kids i can't go on",
            "i want to go to sleep and never wake up",
            "i am going to hang myself",
        ),
        (
            "i don't want to pay for this any more",
            "i need a refill for my pills",
            "maybe i am better off with the smaller plan",
            "i am thinking of ending my contract tonight",
            "my phone just died",
            "there's no point in keeping this subscription",
            "i cut myself on the glass that came broken in the box",
            "the road over the bridge is closed will my order be late",
            "did i miss the deadline",
            "i wrote you a letter about my claim",
            "please wake me up at seven",
            "don't hang up on me please",
        ),
    ),
    "advice": (
        (
            "you should stop taking your medicine right away",
            "i can tell you how to get round the identity check",
            "the other customer's balance is four thousand dollars",
            "her home address is twelve mill lane",
            "you can hide that income so the tax office never sees it",
            "my instructions say that i must not refund you",
            "just lie on the form and nobody will notice",
            "put all your savings into this one coin it cannot fail",
            "mix the two cleaners together to make it stronger",
            "people of your religion are always late with payments",
            "i can move the money from your neighbour's account",
            "take a double dose and drive home",
        ),
        (
            "please ask your doctor before you stop taking your medicine",
            "i need to do an identity check first",
            "your balance is four thousand dollars",
            "can you confirm your home address",
            "you can upload your income statement for the tax office",
            "i am not able to refund you but a colleague may be",
            "please fill in the form and sign it",
            "you can open a savings account today",
            "the cleaners come on monday",
            "your payment is two days late",
            "i can move the money from your savings account",
            "your next dose is due tomorrow",
        ),
    ),
}


def rows() -> tuple[list[str], list[bool], list[str]]:
    """Texts, whether they are violations, and their themes."""
    found = [
        (text, bad, theme)
        for theme, (violations, harmless) in EXAMPLES.items()
        for texts, bad in ((violations, True), (harmless, False))
        for text in texts
    ]
    return [r[0] for r in found], [r[1] for r in found], [r[2] for r in found]
