"""Personal data in prose, tables, JSON and CSV."""

import json

from .case import add, values


def make():
    for n in range(16):
        v = values("person", n)
        email, phone, card, ssn = v.email(), v.phone(), v.card(["", " ", "-"][n % 3]), v.ssn()
        text, found = [
            (f"Contact {v.name()} at {email} or {phone}\n", [email, phone]), (f"paid with {card} on Monday\n", [card]), (f"SSN on file: {ssn}.\n", [ssn]),
            (json.dumps({"email": email, "phone": phone, "active": True}) + "\n", [email, phone]), (json.dumps({"card": card, "exp": "04/29"}) + "\n", [card]),
            (f"name,email,phone,ssn\n{v.name()},{email},{phone},{ssn}\n", [email, phone, ssn]), (f"From: {v.name()} <{email}>\nTo: <{(e := v.email())}>\nSubject: lunch\n", [email, e]),
            (f"Please transfer to {(e := v.iban())} by Friday\n", [e]), (f"mailto:{email}?subject=hi\n", [email]), (f"ERROR user {email} not found (id 4)\n", [email]), (f"tel: {phone}; fax: none\n", [phone]),
            (f"Call me: {phone}\nMail me: {email}\n", [phone, email]), (f"customer {v.name()} {v.surname()}, card {card}, {email}\n", [card, email]), (f"<a href=\"mailto:{email}\">{v.name()}</a>\n", [email]),
            (json.dumps([{"name": v.name(), "ssn": ssn, "iban": (e := v.iban())}], indent=1) + "\n", [ssn, e]), (f"INSERT INTO people VALUES (1, '{v.name()}', '{email}', '{phone}', '{card}');\n", [email, phone, card])][n]
        add("person", "personal data", text, *found)
    for n in range(16):
        v = values("phone", n)
        phone = v.phone()
        text = [f"phone: {phone}\n", f"reach us on {phone} from 9 to 5\n", f'{{"mobile":"{phone}"}}\n', f" name | phone \n------+------------------\n {v.name()} | {phone} \n(1 row)\n"][n % 4]
        add("phone", "personal data", text, phone)
    for n in range(12):
        v = values("card", n)
        card = v.card([" ", "", "-"][n % 3])
        add("card", "personal data", [f"card_number: {card}\n", f'"pan":"{card}"\n', f"id;pan;amount\n1;{card};12.50\n", f"charge {card} failed: declined\n"][n % 4], card)
