use super::{Message, Question, Texts};

pub(super) const TEXTS: Texts = Texts {
    confirm_address: Question {
        message: Message {
            title: "Confirme seu endereço",
            text: "Clique no botão para confirmar que este endereço de e-mail é seu.",
        },
        button: "Confirmar endereço",
    },
    cancel_address_change: Question {
        message: Message {
            title: "Manter o endereço atual",
            text: "Alguém pediu para trocar o endereço de e-mail da sua conta. Se não foi você, clique no botão: a \
                   troca é cancelada e sua conta continua com o endereço atual.",
        },
        button: "Cancelar a troca",
    },
    reset_password: Question {
        message: Message {
            title: "Escolha uma nova senha",
            text: "Quando você trocar a senha, todos os dispositivos conectados à sua conta serão desconectados.",
        },
        button: "Trocar a senha",
    },

    new_password: "Nova senha",
    new_password_again: "Repita a nova senha",
    password_hint: "Pelo menos 8 caracteres. Algumas palavras pouco comuns formam uma boa senha.",

    address_confirmed: Message {
        title: "Seu endereço está confirmado",
        text: "Tudo certo. Você já pode fechar esta página.",
    },
    address_change_cancelled: Message {
        title: "A troca foi cancelada",
        text: "Sua conta continua com o endereço atual. Se não foi você quem pediu a troca, talvez outra pessoa \
               saiba sua senha: escolha uma nova.",
    },
    password_reset: Message {
        title: "Sua senha foi trocada",
        text: "Todos os dispositivos foram desconectados. Entre com a nova senha.",
    },

    link_void: Message {
        title: "Este link não funciona mais",
        text: "Ele já foi usado, expirou ou chegou incompleto. Se você acabou de usá-lo, está tudo certo. Se não, \
               peça outro e-mail e abra o link do mais recente.",
    },
    address_taken: Message {
        title: "Este endereço é de outra conta",
        text: "Nesse meio-tempo, outra conta confirmou este endereço, e a sua não pode usá-lo. Sua conta continua \
               com o endereço atual.",
    },
    unreadable: Message {
        title: "Não conseguimos ler o que foi enviado",
        text: "Por favor, abra o link do e-mail mais uma vez.",
    },
    too_often: Message { title: "Tentativas demais", text: "Espere um minuto e tente de novo." },
    unavailable: Message {
        title: "Tente de novo daqui a pouco",
        text: "O serviço não consegue fazer isso neste momento.",
    },
    failed: Message {
        title: "Algo deu errado do nosso lado",
        text: "Pedimos desculpas. Tente de novo mais tarde.",
    },

    password_too_short: "Use pelo menos 8 caracteres.",
    password_too_long: "Use no máximo 128 caracteres.",
    password_invalid_characters: "Não use caracteres de controle, como tabulações e quebras de linha.",
    password_too_weak: "Esta senha é fácil de adivinhar. Use uma mais longa, com algumas palavras pouco comuns, \
                        por exemplo.",
    passwords_differ: "As duas senhas não são iguais.",
    password_refused: "Esta senha não pode ser usada. Por favor, escolha outra.",
};
